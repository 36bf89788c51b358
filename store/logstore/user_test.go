package logstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

// A user changes a few sessions, one after the other, and knows what the store
// may hold of each: what it answered last and, of calls that failed or that
// need not be durable yet, either side.
type user struct {
	id      int
	rnd     *rand.Rand
	relaxed bool // saves need not be durable
	serial  int
	version uint64 // the highest that the store answered
	keys    []store.Key
	known   map[store.Key][]string // data that it may have; "" for none; the last is what is seen
	current map[store.Key]store.Record
}

func newUser(id int, seed uint64, relaxed bool) *user {
	u := &user{
		id: id, rnd: rand.New(rand.NewPCG(seed, uint64(id))), relaxed: relaxed,
		known: make(map[store.Key][]string), current: make(map[store.Key]store.Record),
	}
	for i := range 6 {
		k := store.Key{byte(i * 40), byte(i), byte(id), 1}
		u.keys = append(u.keys, k)
		u.known[k] = []string{""}
	}
	return u
}

func (u *user) owner() string { return fmt.Sprintf("user %d", u.id) }

// data returns what no other session has.
func (u *user) data() []byte {
	u.serial++
	return fmt.Appendf(nil, "%d/%d/%0*d", u.id, u.serial, 1+u.rnd.IntN(900), 0)
}

// step makes one call. It returns its error, unless that is a conflict, which
// there must not be.
func (u *user) step(ctx context.Context, s *Store) error {
	k := u.keys[u.rnd.IntN(len(u.keys))]
	r, exists := u.current[k]
	r.Expires = time.Now().Add(time.Hour)
	r.Owner = []string{"", u.owner()}[u.rnd.IntN(2)]
	var err error
	switch n := u.rnd.IntN(100); {
	case n < 60 || !exists:
		r.Data = u.data()
		r.Version, err = s.Save(ctx, k, r)
		u.may(k, string(r.Data))
		if err == nil {
			u.saw(k, r)
			if !u.relaxed {
				u.certain()
			}
		}
	case n < 70:
		err = s.Delete(ctx, k)
		u.may(k, "")
		if err == nil {
			delete(u.current, k)
			u.certain()
		}
	case n < 80:
		r.Data, r.Durable = u.data(), true
		r.Version, err = s.Save(ctx, k, r)
		r.Durable = false
		u.may(k, string(r.Data))
		if err == nil {
			u.saw(k, r)
			u.certain()
		}
	case n < 82:
		_, err = s.DeleteOwned(ctx, u.owner(), k)
		for other, r := range u.current {
			if other != k && r.Owner == u.owner() {
				u.may(other, "")
				if err == nil {
					delete(u.current, other)
				}
			}
		}
		if err == nil {
			u.certain()
		}
	default:
		err = s.Touch(ctx, k, time.Now().Add(2*time.Hour))
	}
	return err
}

func (u *user) may(k store.Key, data string) { u.known[k] = append(u.known[k], data) }

func (u *user) saw(k store.Key, r store.Record) {
	u.current[k] = r
	u.version = max(u.version, r.Version)
}

// certain notes that all before the call that was just answered is durable.
func (u *user) certain() {
	for _, k := range u.keys {
		u.known[k] = []string{string(u.current[k].Data)}
	}
}

// check compares what a store holds after a fault with what it may hold, and
// goes on from there.
func (u *user) check(t *testing.T, s *Store) {
	t.Helper()
	for _, k := range u.keys {
		r, err := s.Load(t.Context(), k)
		if err != nil {
			require.ErrorIs(t, err, store.ErrNotFound)
		}
		if !slices.Contains(u.known[k], string(r.Data)) {
			t.Fatalf("%v holds %.20q, but it may only hold one of %.20q", k, r.Data, u.known[k])
		}
		u.known[k] = []string{string(r.Data)}
		delete(u.current, k)
		if err == nil {
			u.current[k] = r
		}
	}
}

// intact sees that the running store shows what it answered last, though other
// calls failed since.
func (u *user) intact(t *testing.T, s *Store) {
	t.Helper()
	for _, k := range u.keys {
		want, ok := u.current[k]
		r, err := s.Load(t.Context(), k)
		if !ok {
			require.ErrorIs(t, err, store.ErrNotFound)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, string(want.Data), string(r.Data))
		require.Equal(t, want.Version, r.Version)
	}
}

// once sees that no session is in two places.
func once(t *testing.T, s *Store) {
	t.Helper()
	seen := make(map[string]store.Key)
	for e, err := range s.All(t.Context()) {
		require.NoError(t, err)
		other, twice := seen[string(e.Data)]
		require.False(t, twice && other != e.Key, "one session under two keys")
		seen[string(e.Data)] = e.Key
	}
}

// quiet drops log messages that a test expects.
var quiet = WithLogger(slog.New(slog.DiscardHandler))

func isPower(err error) bool {
	return errors.Is(err, errPower) || errors.Is(err, ErrBroken) || errors.Is(err, ErrClosed)
}

func (u *user) clone() *user {
	c := newUser(u.id, 0, u.relaxed)
	c.serial = u.serial
	for k, known := range u.known {
		c.known[k] = slices.Clone(known)
	}
	return c
}
