package records_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/records"
	"github.com/sesame-go/sesame/internal/records/recordstest"
	"github.com/sesame-go/sesame/store"
)

var key = recordstest.Key

func put(s *records.Set, n int, lives time.Duration, owner string) {
	s.Put(key(n), store.Record{Version: uint64(n + 1), Expires: time.Now().Add(lives), Owner: owner})
}

func always() error { return nil }

// TestModel does everything at random and compares with a map.
func TestModel(t *testing.T) {
	s := records.NewSet()
	want := make(map[store.Key]store.Record)
	held := make(map[store.Key]bool)
	rnd := rand.New(rand.NewPCG(1, 2))
	owners := []string{"", "", "ann", "bob", "carol"}
	begin := time.Now()
	in := func(n int) time.Time {
		return begin.Add(time.Hour + time.Duration(n)*time.Millisecond).Truncate(time.Microsecond)
	}
	for step := range 100_000 {
		keys := 50 + 3000*(step/20_000%2) // it grows and shrinks
		k := key(rnd.IntN(keys))
		old, exists := want[k]
		r := s.Find(k)
		require.Equal(t, exists, r != nil)
		switch op := rnd.IntN(100); {
		case op < 50:
			changed := store.Record{
				Version: uint64(step), Expires: in(rnd.IntN(1e6)),
				Owner: owners[rnd.IntN(len(owners))], Data: make([]byte, rnd.IntN(10)),
				Durable: rnd.IntN(2) == 0,
			}
			s.Put(k, changed)
			changed.Durable = false
			want[k] = changed
			delete(held, k)
		case !exists:
		case op < 70:
			s.Remove(r)
			delete(want, k)
			delete(held, k)
		case op < 80:
			expires := in(rnd.IntN(1e6))
			require.Equal(t, expires.After(old.Expires), s.Extend(r, records.Micros(expires)))
			if expires.After(old.Expires) {
				old.Expires = expires
				want[k] = old
			}
		case op < 90:
			s.Hold(r)
			held[k] = true
		default:
			s.Release(r)
			delete(held, k)
		}
		if step%1000 == 0 {
			if next := s.Next(0); next == nil {
				require.Equal(t, s.Len(), len(held))
			} else {
				require.False(t, held[next.Key])
			}
		}
		if step%10_000 == 0 {
			for k := range held {
				s.Release(s.Find(k))
			}
			clear(held)
			require.NoError(t, records.Check(s))
		}
	}
	for k := range held {
		s.Release(s.Find(k))
	}
	require.NoError(t, records.Check(s))
	require.Equal(t, len(want), s.Len())
	got := make(map[store.Key]store.Record)
	for e, err := range s.All(always) {
		require.NoError(t, err)
		require.True(t, e.Expires.Equal(want[e.Key].Expires))
		e.Expires = want[e.Key].Expires
		got[e.Key] = e.Record
	}
	require.Equal(t, want, got)
	for _, owner := range owners[2:] {
		n := 0
		for e, err := range s.Owned(owner, always) {
			require.NoError(t, err)
			require.Equal(t, owner, want[e.Key].Owner)
			n++
		}
		for _, r := range want {
			if r.Owner == owner {
				n--
			}
		}
		require.Zero(t, n)
	}
}

// TestNext sees in which order records make room.
func TestNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := records.NewSet()
		put(s, 0, 2*time.Minute, "bob") // expired, the second
		put(s, 1, time.Minute, "")      // expired, the first
		put(s, 2, 2*time.Hour, "")
		put(s, 3, time.Hour, "") // the first ownerless to expire
		for n := 4; n < 8; n++ {
			put(s, n, time.Duration(10-n)*time.Hour, "ann") // the oldest expires last
		}
		put(s, 8, time.Hour, "bob")
		put(s, 9, time.Hour, "carol")
		put(s, 10, time.Hour, "carol")
		time.Sleep(5 * time.Minute)

		// A renewal makes young, other changes do not.
		r, _ := s.Load(key(4))
		r.Durable = true
		s.Put(key(4), r)
		r, _ = s.Load(key(5))
		s.Put(key(5), r)

		var order []int
		for range 9 {
			next := s.Next(records.Now())
			for n := range 11 {
				if next.Key == key(n) {
					order = append(order, n)
				}
			}
			s.Remove(next)
		}
		require.Equal(t, []int{1, 0, 3, 2, 5, 6}, order[:6], "the expired, the ownerless, the oldest of ann's four")
		// Ann and carol have two each, then one is as good as another.
		require.ElementsMatch(t, []int{7, 9}, order[6:8])
		require.Equal(t, 2, s.Len())
		require.NoError(t, records.Check(s))
	})
}

// TestNextIsNotHeld sees that what is held does not make room, however many an
// owner has, and does again when it is released.
func TestNextIsNotHeld(t *testing.T) {
	s := records.NewSet()
	for n := range 10 {
		put(s, n, time.Hour, "ann")
	}
	put(s, 10, time.Hour, "bob")
	for n := range 9 {
		next := s.Next(records.Now())
		require.Equal(t, key(n), next.Key)
		s.Hold(next)
	}
	s.Hold(s.Find(key(9)))
	require.Equal(t, key(10), s.Next(records.Now()).Key)
	s.Hold(s.Find(key(10)))
	require.Nil(t, s.Next(records.Now()))
	for _, n := range []int{7, 3} {
		s.Release(s.Find(key(n)))
		require.Equal(t, key(n), s.Next(records.Now()).Key)
	}
}

func TestHeldDoesNotExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := records.NewSet()
		put(s, 0, time.Minute, "ann")
		put(s, 1, time.Minute, "")
		s.Hold(s.Find(key(0)))
		time.Sleep(time.Hour)
		_, err := s.Load(key(0))
		require.NoError(t, err)
		_, err = s.Load(key(1))
		require.ErrorIs(t, err, store.ErrExpired)
		require.Equal(t, 1, s.Count())
		n, err := s.Sweep(10, always)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		s.Release(s.Find(key(0)))
		require.Equal(t, 0, s.Count())
		_, err = s.Load(key(1))
		require.NotErrorIs(t, err, store.ErrExpired, "it is gone")
	})
}

func TestCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := records.NewSet()
		for n := range 1000 {
			put(s, n, time.Duration(1+n)*time.Minute, []string{"", "ann"}[n%2])
		}
		for left := 1000; left > 0; left -= 100 {
			require.Equal(t, left, s.Count())
			time.Sleep(100 * time.Minute)
		}
		require.Equal(t, 0, s.Count())
		require.Equal(t, 1000, s.Len())
	})
}

// TestWalksGoOn changes the set while it is walked through: what lives all the
// time is yielded, and nothing else that is gone before its page.
func TestWalksGoOn(t *testing.T) {
	const n = 20_000
	walks := map[string]func(*records.Set) func(func(store.Entry, error) bool){
		"all":   func(s *records.Set) func(func(store.Entry, error) bool) { return s.All(always) },
		"owned": func(s *records.Set) func(func(store.Entry, error) bool) { return s.Owned("ann", always) },
	}
	for name, walk := range walks {
		t.Run(name, func(t *testing.T) {
			s := records.NewSet()
			stays := make(map[store.Key]bool)
			for i := range n {
				put(s, i, time.Hour, "ann")
				if i%100 == 0 {
					stays[key(i)] = true
				}
			}
			seen := make(map[store.Key]int)
			next, yielded, removed := 0, 0, make(map[store.Key]int)
			for e, err := range walk(s) {
				require.NoError(t, err)
				seen[e.Key]++
				yielded++
				if at, ok := removed[e.Key]; ok {
					require.LessOrEqual(t, yielded-at, 256, "it was gone before its page was taken")
				}
				for range 20 { // all that goes is gone after a fraction of the walk
					if next < n && !stays[key(next)] {
						s.Remove(s.Find(key(next)))
						removed[key(next)] = yielded
					}
					next++
				}
			}
			for k := range stays {
				require.Equal(t, 1, seen[k])
			}
			require.Less(t, len(seen), n/2, "most were gone before")
			require.NoError(t, records.Check(s))
			require.Less(t, records.Capacity(s), n/4, "memory is given back")
		})
	}
}

// TestOwnedDeletes removes each record that it is given.
func TestOwnedDeletes(t *testing.T) {
	s := records.NewSet()
	for i := range 2000 {
		put(s, i, time.Hour, "ann")
	}
	for e := range s.Owned("ann", always) {
		s.Remove(s.Find(e.Key))
	}
	require.Zero(t, s.Len())
}

func TestWalksEnd(t *testing.T) {
	s := records.NewSet()
	for i := range 1000 {
		put(s, i, time.Hour, "ann")
	}
	stop := errors.New("stop")
	checks := 0
	twice := func() error {
		if checks++; checks > 2 {
			return stop
		}
		return nil
	}
	for _, walk := range []func(func(store.Entry, error) bool){s.All(twice), s.Owned("ann", twice)} {
		checks = 0
		n, last := 0, error(nil)
		for _, err := range walk {
			n++
			last = err
		}
		require.ErrorIs(t, last, stop)
		require.Less(t, n, 600)
		for range walk {
			break
		}
		require.True(t, s.TryLock(), "the lock was kept")
		s.Unlock()
	}
	_, err := s.Sweep(10, func() error { return stop })
	require.ErrorIs(t, err, stop)
}

// TestFloodPasses sees that memory is given back.
func TestFloodPasses(t *testing.T) {
	s := records.NewSet()
	const n = 50_000
	order := rand.Perm(n)
	for _, i := range order {
		put(s, i, time.Hour, []string{"", "ann", string(rune(i))}[i%3])
	}
	slices.Reverse(order)
	for _, i := range order[:n-100] {
		s.Remove(s.Find(key(i)))
	}
	require.NoError(t, records.Check(s))
	require.Less(t, records.Capacity(s), 2000)
	for _, i := range order[n-100:] {
		require.NotNil(t, s.Find(key(i)))
	}
}

func TestMicros(t *testing.T) {
	last := time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC).UnixMicro()
	for year, want := range map[int]int64{559444: last, 1960: 0, -559444: 0, 9999: last} {
		at := time.Date(year, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
		require.Equal(t, want, records.Micros(at), year)
	}
	require.Zero(t, records.Micros(time.Time{}))
}
