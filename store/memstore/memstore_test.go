package memstore_test

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
	"github.com/sesame-go/sesame/store/storetest"
)

var _ interface {
	store.Store
	store.Rotator
	store.Lister
	store.OwnerIndex
	store.Sweeper
} = (*memstore.Store)(nil)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return memstore.New() })
}

// TestModel does everything at random and compares with a map.
func TestModel(t *testing.T) {
	ctx := t.Context()
	s := memstore.New()
	want := make(map[store.Key]store.Record)
	rnd := rand.New(rand.NewPCG(1, 2))
	owners := []string{"", "", "ann", "bob", "carol"}
	for step := range 50_000 {
		// The range grows and shrinks, and the tables with it.
		keys := 50 + 3000*(step/10_000%2)
		k := key(rnd.IntN(keys))
		old, exists := want[k]
		r := store.Record{
			Version: old.Version,
			Expires: time.Now().Add(time.Hour + time.Duration(rnd.IntN(1e6))*time.Millisecond).Truncate(time.Millisecond),
			Owner:   owners[rnd.IntN(len(owners))],
			Data:    []byte(strconv.Itoa(step)),
		}
		var err error
		switch op := rnd.IntN(100); {
		case op < 50:
			r.Version, err = s.Save(ctx, k, r)
			require.NoError(t, err)
			want[k] = r
		case op < 65:
			require.NoError(t, s.Delete(ctx, k))
			delete(want, k)
		case op < 80:
			require.NoError(t, s.Touch(ctx, k, r.Expires))
			if exists && r.Expires.After(old.Expires) {
				old.Expires = r.Expires
				want[k] = old
			}
		case op < 99:
			to := key(rnd.IntN(keys))
			_, taken := want[to]
			r.Version, err = s.Rotate(ctx, k, to, r)
			if !exists || taken {
				require.ErrorIs(t, err, store.ErrConflict)
				break
			}
			require.NoError(t, err)
			delete(want, k)
			want[to] = r
		case step%500 == 0:
			n, err := s.DeleteOwned(ctx, "ann", k)
			require.NoError(t, err)
			for other, r := range want {
				if r.Owner == "ann" && other != k {
					delete(want, other)
					n--
				}
			}
			require.Zero(t, n)
		}
		if step%5000 == 0 {
			require.NoError(t, memstore.Check(s))
		}
	}
	require.NoError(t, memstore.Check(s))
	require.Equal(t, len(want), s.Len())
	owned := make(map[string]int)
	for k, w := range want {
		got, err := s.Load(ctx, k)
		require.NoError(t, err)
		assert.True(t, got.Expires.Equal(w.Expires))
		got.Expires = w.Expires
		require.Equal(t, w, got)
		owned[w.Owner]++
	}
	for _, owner := range owners[2:] {
		n := 0
		for k, err := range s.Owned(ctx, owner) {
			require.NoError(t, err)
			require.Equal(t, owner, want[k].Owner)
			n++
		}
		require.Equal(t, owned[owner], n)
	}
}

// TestAllocs sees that a Load costs the copy of the data and nothing else.
func TestAllocs(t *testing.T) {
	s := memstore.New()
	ctx := context.Background()
	r := store.Record{Expires: time.Now().Add(time.Hour), Owner: "ann", Data: make([]byte, 300)}
	v, err := s.Save(ctx, key(0), r)
	require.NoError(t, err)
	assert.Equal(t, 1.0, testing.AllocsPerRun(100, func() { s.Load(ctx, key(0)) }), "Load")
	assert.Equal(t, 0.0, testing.AllocsPerRun(100, func() { s.Touch(ctx, key(0), time.Now().Add(2*time.Hour)) }), "Touch")
	assert.Equal(t, 1.0, testing.AllocsPerRun(100, func() { r.Version = v; v, _ = s.Save(ctx, key(0), r) }), "Save")
}
