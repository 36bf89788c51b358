package adaptertest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// gather returns a function that returns when it has been called n times, n at a
// time. If that takes too long, it reports so and never waits again.
func (s *site) gather(n int) func() {
	var mu sync.Mutex
	here, all := 0, make(chan struct{})
	late, cancel := context.WithTimeout(s.Context(), 3*time.Second)
	s.Cleanup(cancel)
	return func() {
		mu.Lock()
		gathered := all
		if here++; here == n {
			here, all = 0, make(chan struct{})
			close(gathered)
		}
		mu.Unlock()
		select {
		case <-gathered:
		case <-late.Done():
			s.Errorf("%d requests are not served at the same time", n)
		}
	}
}

func concurrentChanges(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{"/count": s.times})
	c.fetch("/count", "1 times")
	const requests = 4
	var loads atomic.Int32
	gather := s.gather(requests)
	wait := func() { // until each has loaded the same version
		if loads.Add(1) <= requests {
			gather()
		}
	}
	s.store.loaded.Store(&wait)
	var done sync.WaitGroup
	for range requests {
		done.Go(func() {
			if a := c.copied().get("/count"); a == nil || a.StatusCode != http.StatusOK {
				s.Errorf("a change at once with others failed: %v", a)
			}
		})
	}
	done.Wait()
	s.store.loaded.Store(nil)
	if got := s.stored().Data.Times; got != 1+requests {
		s.Errorf("the session counts %d, want %d: a change was lost", got, 1+requests)
	}
}

// manyClients finds an adapter whose session keeps memory of a request that the
// framework uses for another: all requests have begun when the first one loads.
func manyClients(s *site) {
	const clients, visits = 16, 4
	gather := s.gather(clients)
	c := s.serve(map[string]func(context.Context) Answer{"/count": func(ctx context.Context) Answer {
		gather()
		return s.times(ctx)
	}})
	var done sync.WaitGroup
	for range clients {
		done.Go(func() {
			mine := c.copied()
			for n := range visits {
				a := mine.get("/count")
				if want := fmt.Sprintf("%d times", n+1); a == nil || !strings.Contains(a.body, handlers+want) {
					s.Errorf("a client's visit %d is answered by %v, want %q", n+1, a, want)
				}
			}
		})
	}
	done.Wait()
	if n, err := s.sessions.Count(s.Context()); err != nil || n != clients {
		s.Errorf("the store has %d sessions (error: %v), want %d", n, err, clients)
	}
}
