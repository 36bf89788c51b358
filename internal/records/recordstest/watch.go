package recordstest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store"
)

// TestWatch sees of which sessions a watcher of s is told, and that it is told
// before the call that ends or renews them returns. s is empty and has room for
// three sessions.
func TestWatch(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	var told []store.Key
	done, err := s.Watch(ctx, func(k store.Key) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, k)
	})
	if err != nil {
		t.Fatal(err)
	}
	expect := func(what string, err error, ns ...int) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		var want []store.Key
		for _, n := range ns {
			want = append(want, Key(n))
		}
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(told, want) {
			t.Errorf("%s: told %v, want %v", what, told, want)
		}
		told = nil
	}
	record := func(owner string) store.Record {
		return store.Record{Expires: time.Now().Add(time.Hour), Owner: owner}
	}
	save := func(n int, r store.Record) (err error) {
		_, err = s.Save(ctx, Key(n), r)
		return err
	}

	expect("a new session", save(0, record("ann")))
	r, err := s.Load(ctx, Key(0))
	expect("a load", err)
	r.Version, err = s.Save(ctx, Key(0), r)
	expect("a save", err)
	expect("a touch", s.Touch(ctx, Key(0), time.Now().Add(2*time.Hour)))
	expect("a deletion of nothing", s.Delete(ctx, Key(9)))

	r.Durable = true
	expect("a renewal", save(0, r), 0)
	if err := save(0, r); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("a save with a stale version returned %v", err)
	}
	expect("a conflict", nil)
	expect("a deletion", s.Delete(ctx, Key(0)), 0)

	for n := 1; n < 4; n++ {
		expect("a new session", save(n, record("ann")))
	}
	expect("one had to make room", save(4, record("bob")), 1)
	n, err := s.DeleteOwned(ctx, "ann", Key(2))
	expect("a revocation", err, 3)
	if n != 1 {
		t.Errorf("DeleteOwned returned %d, want 1", n)
	}

	cancel()
	<-done
	expect("the context has ended", s.Delete(t.Context(), Key(4)))
}
