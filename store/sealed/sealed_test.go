package sealed_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
	"github.com/sesame-go/sesame/store/sealed"
	"github.com/sesame-go/sesame/store/storetest"
)

// secret returns the n-th of some keys.
func secret(n byte) []byte {
	key := make([]byte, 32)
	for i := range key {
		key[i] = n + byte(i)
	}
	return key
}

func seal(t testing.TB, inner store.Store, keys ...[]byte) store.Store {
	t.Helper()
	s, err := sealed.New(inner, keys...)
	require.NoError(t, err)
	return s
}

func record(data string) store.Record {
	return store.Record{Expires: time.Now().Add(time.Hour), Data: []byte(data)}
}

func save(t testing.TB, s store.Store, k store.Key, r store.Record) uint64 {
	t.Helper()
	v, err := s.Save(t.Context(), k, r)
	require.NoError(t, err)
	return v
}

func load(t testing.TB, s store.Store, k store.Key) store.Record {
	t.Helper()
	r, err := s.Load(t.Context(), k)
	require.NoError(t, err)
	return r
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return seal(t, memstore.New(), secret(1)) })
}

// TestBare runs the suite over a store without any optional interface.
func TestBare(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return seal(t, struct{ store.Store }{memstore.New()}, secret(1))
	})
}

// TestInterfaces sees that the store has the optional interfaces of the one
// within, in all combinations, and no others.
func TestInterfaces(t *testing.T) {
	type S = store.Store
	m := memstore.New()
	for i, inner := range []store.Store{
		struct{ S }{m},
		struct {
			S
			store.Rotator
		}{m, m},
		struct {
			S
			store.Lister
		}{m, m},
		struct {
			S
			store.Rotator
			store.Lister
		}{m, m, m},
		struct {
			S
			store.OwnerIndex
		}{m, m},
		struct {
			S
			store.Rotator
			store.OwnerIndex
		}{m, m, m},
		struct {
			S
			store.Lister
			store.OwnerIndex
		}{m, m, m},
		struct {
			S
			store.Rotator
			store.Lister
			store.OwnerIndex
		}{m, m, m, m},
		struct {
			S
			store.Sweeper
		}{m, m},
		struct {
			S
			store.Rotator
			store.Sweeper
		}{m, m, m},
		struct {
			S
			store.Lister
			store.Sweeper
		}{m, m, m},
		struct {
			S
			store.Rotator
			store.Lister
			store.Sweeper
		}{m, m, m, m},
		struct {
			S
			store.OwnerIndex
			store.Sweeper
		}{m, m, m},
		struct {
			S
			store.Rotator
			store.OwnerIndex
			store.Sweeper
		}{m, m, m, m},
		struct {
			S
			store.Lister
			store.OwnerIndex
			store.Sweeper
		}{m, m, m, m},
		m,
	} {
		s := seal(t, inner, secret(1))
		_, rotates := s.(store.Rotator)
		_, lists := s.(store.Lister)
		_, indexes := s.(store.OwnerIndex)
		_, sweeps := s.(store.Sweeper)
		assert.Equal(t, []bool{i&1 != 0, i&2 != 0, i&4 != 0, i&8 != 0}, []bool{rotates, lists, indexes, sweeps}, i)
		unwrapped, ok := s.(interface{ Unwrap() store.Store })
		require.True(t, ok)
		assert.Equal(t, inner, unwrapped.Unwrap())
	}
}

// TestSecret sees that the data is nowhere in the inner store, and that equal
// data is not equal there.
func TestSecret(t *testing.T) {
	inner := memstore.New()
	s := seal(t, inner, secret(1))
	r := record("a secret of some length")
	r.Owner = "ann"
	r.Version = save(t, s, store.Key{1}, r)
	save(t, s, store.Key{2}, record("a secret of some length"))
	first := load(t, inner, store.Key{1}).Data
	_, err := s.(store.Rotator).Rotate(t.Context(), store.Key{1}, store.Key{3}, r)
	require.NoError(t, err)
	assert.Equal(t, "a secret of some length", string(load(t, s, store.Key{3}).Data))
	assert.Equal(t, "a secret of some length", string(r.Data), "the caller's data was changed")

	boxes := [][]byte{first, load(t, inner, store.Key{2}).Data, load(t, inner, store.Key{3}).Data}
	for i, box := range boxes {
		assert.Len(t, box, 1+4+24+len(r.Data)+16)
		assert.NotContains(t, string(box), "secret")
		for _, other := range boxes[i+1:] {
			assert.False(t, bytes.Equal(box[29:], other[29:]))
			assert.NotEqual(t, box[5:29], other[5:29], "a nonce was used again")
		}
	}
}

func TestKeyRing(t *testing.T) {
	inner := memstore.New()
	old := seal(t, inner, secret(1))
	k := store.Key{1}
	r := record("data")
	r.Version = save(t, old, k, r)

	both := seal(t, inner, secret(2), secret(1))
	assert.Equal(t, "data", string(load(t, both, k).Data))
	assert.Equal(t, "data", string(load(t, seal(t, inner, secret(3), secret(2), secret(1)), k).Data))
	save(t, both, k, r)

	assert.Equal(t, "data", string(load(t, seal(t, inner, secret(2)), k).Data))
	got := load(t, old, k)
	assert.Empty(t, got.Data)
	got.Data = []byte("data")
	save(t, old, k, got) // its version is good nevertheless
	assert.Equal(t, "data", string(load(t, both, k).Data))
}

// TestKeysOfOneID sees that keys whose ids are equal by chance all open what
// they have sealed, wherever they are in the ring.
func TestKeysOfOneID(t *testing.T) {
	numbered := func(n uint32) []byte { return append(binary.BigEndian.AppendUint32(nil, n), make([]byte, 28)...) }
	a, b := numbered(9_974), numbered(166_239) // found by trying
	inner := memstore.New()
	inA, inB := store.Key{1}, store.Key{2}
	save(t, seal(t, inner, a), inA, record("sealed by a"))
	save(t, seal(t, inner, b), inB, record("sealed by b"))
	require.Equal(t, load(t, inner, inA).Data[1:5], load(t, inner, inB).Data[1:5], "the ids")

	for _, keys := range [][][]byte{{a, b}, {b, a}, {secret(1), a, secret(2), b}, {a, a, b, b}} {
		s := seal(t, inner, keys...)
		assert.Equal(t, "sealed by a", string(load(t, s, inA).Data))
		assert.Equal(t, "sealed by b", string(load(t, s, inB).Data))
	}
	assert.Empty(t, load(t, seal(t, inner, a), inB).Data)
}

// TestTampered changes each bit of a record, cuts it everywhere and more.
func TestTampered(t *testing.T) {
	inner := memstore.New()
	s := seal(t, inner, secret(1), secret(2))
	k := store.Key{1}
	save(t, s, k, record("data"))
	good := load(t, inner, k).Data

	opens := func(data []byte) bool {
		r := load(t, inner, k)
		r.Data = data
		save(t, inner, k, r)
		return len(load(t, s, k).Data) != 0
	}
	require.True(t, opens(good))
	for bit := range 8 * len(good) {
		bad := bytes.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		require.False(t, opens(bad), "bit %d", bit)
	}
	for n := range good {
		require.False(t, opens(good[:n]), "%d bytes", n)
	}
	require.False(t, opens(append(bytes.Clone(good), 0)))
	require.False(t, opens([]byte("plain text, longer than what a sealed record has at least")))
	require.True(t, opens(good))

	var listed int
	for e, err := range s.(store.Lister).All(t.Context()) {
		require.NoError(t, err)
		assert.Equal(t, "data", string(e.Data))
		listed++
	}
	assert.Equal(t, 1, listed)
}

// TestSwapped puts records in each other's place and gives them to others.
func TestSwapped(t *testing.T) {
	inner := memstore.New()
	s := seal(t, inner, secret(1))
	a, b := store.Key{1}, store.Key{2}
	save(t, s, a, record("a"))
	save(t, s, b, record("b"))
	inA, inB := load(t, inner, a), load(t, inner, b)
	inA.Data, inB.Data = inB.Data, inA.Data
	inA.Version, inB.Version = save(t, inner, a, inA), save(t, inner, b, inB)
	assert.Empty(t, load(t, s, a).Data)
	assert.Empty(t, load(t, s, b).Data)

	inA.Data, inB.Data = load(t, inner, b).Data, load(t, inner, a).Data
	inA.Version = save(t, inner, a, inA)
	assert.Equal(t, "a", string(load(t, s, a).Data))
	inA.Owner = "admin"
	save(t, inner, a, inA)
	assert.Empty(t, load(t, s, a).Data, "its owner is another")
}

func TestKeysRefused(t *testing.T) {
	for want, keys := range map[string][][]byte{
		"sealed: no key: give New one at least": nil,
		"key 1 of 1 has 0 bytes, and not 32":    {{}},
		"key 1 of 1 has 16 bytes, and not 32":   {make([]byte, 16)},
		"key 2 of 2 has 44 bytes, and not 32":   {secret(1), make([]byte, 44)},
		"key 1 of 1 is one byte 32 times":       {make([]byte, 32)},
	} {
		_, err := sealed.New(memstore.New(), keys...)
		assert.ErrorContains(t, err, want)
	}
	_, err := sealed.New(nil, secret(1))
	assert.ErrorContains(t, err, "no store to wrap")
}

// TestManager sees what a request gets of a session that cannot be opened: it
// is anonymous, and an event tells why.
func TestManager(t *testing.T) {
	type session struct{ N int }
	inner := memstore.New()
	const token = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	var events []sesame.Event
	visit := func(s store.Store) *httptest.ResponseRecorder {
		m := sesame.New[session](sesame.WithStore(s), sesame.WithInsecureCookie(),
			sesame.WithObserver(func(_ context.Context, e sesame.Event) { events = append(events, e) }),
			sesame.WithSessions(map[string]session{token: {N: 7}}))
		h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, m.Get(r.Context()).N)
		}))
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.AddCookie(&http.Cookie{Name: "session_id", Value: token})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	w := visit(seal(t, inner, secret(1)))
	assert.Equal(t, "7", w.Body.String())

	events = nil
	w = visit(seal(t, inner, secret(2)))
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "0", w.Body.String())
	assert.Empty(t, w.Header().Values("Set-Cookie"))
	require.NotEmpty(t, events)
	assert.Equal(t, sesame.Corrupt, events[len(events)-1].Kind)
	assert.Equal(t, 1, inner.Len(), "the record is left alone")
}

// TestErrors sees that the inner store's errors come through.
func TestErrors(t *testing.T) {
	s := seal(t, memstore.New(memstore.WithMaxSessions(1)), secret(1))
	_, err := s.Load(t.Context(), store.Key{1})
	assert.True(t, errors.Is(err, store.ErrNotFound))
	r := record("data")
	r.Owner = "ann"
	save(t, s, store.Key{1}, r)
	_, err = s.Save(t.Context(), store.Key{2}, r)
	assert.ErrorIs(t, err, store.ErrFull)
	r.Version = 12345
	_, err = s.Save(t.Context(), store.Key{1}, r)
	assert.ErrorIs(t, err, store.ErrConflict)
}
