package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/sesame-go/sesame"
)

// TestTwoProcesses clicks many times, each time in one of two processes that
// share a store and have started at once. Every click counts once.
//
// One click waits for the one before. The program increments what Get returns,
// and of two requests at the same time that set a number to 8 both mean 8:
// such clicks would count once for both. What has to be exact nevertheless
// belongs into Update, which TestConcurrentClicks is about.
func TestTwoProcesses(t *testing.T) {
	for _, engine := range engines {
		if !engine.shared {
			continue
		}
		t.Run(engine.name, func(t *testing.T) {
			counters := startCounters(t, engine.place(t), 2)
			var cookie *http.Cookie
			for want := 1; want <= 60; want++ {
				at := want % 2
				if want > 30 {
					at = rand.N(2) // sometimes the same one again
				}
				var page string
				page, cookie = visit(t, counters[at].url, cookie)
				if page != fmt.Sprintf("%d times!\n", want) {
					t.Fatalf("process %d: got %q, want %d times", at, page, want)
				}
			}
		})
	}
}

// TestConcurrentClicks counts by Update, under two managers that share no more
// than the place of their stores, as two processes do. All of the clicks come
// from one browser, many at a time, and each gets a number of its own.
func TestConcurrentClicks(t *testing.T) {
	for _, engine := range engines {
		if !engine.shared {
			continue
		}
		t.Run(engine.name, func(t *testing.T) {
			where := engine.place(t)
			urls := []string{serveExact(t, where), serveExact(t, where)}
			page, cookie := visit(t, urls[0], nil)
			if page != "1" {
				t.Fatalf("the first click: got %q", page)
			}

			const browsers, clicks = 8, 10
			var pages [browsers][clicks]string
			begin := make(chan struct{})
			var wg sync.WaitGroup
			for b := range browsers {
				wg.Go(func() {
					<-begin
					for c := range clicks {
						var err error
						if pages[b][c], _, err = click(urls[(b+c)%2], cookie); err != nil {
							t.Error(err)
						}
					}
				})
			}
			close(begin)
			wg.Wait()

			seen := map[string]int{}
			for _, got := range pages {
				for _, page := range got {
					seen[page]++
				}
			}
			for n := 2; n <= 1+browsers*clicks; n++ {
				if seen[fmt.Sprint(n)] != 1 {
					t.Errorf("%d was counted %d times; the pages: %v", n, seen[fmt.Sprint(n)], seen)
				}
			}
		})
	}
}

// serveExact serves a counter that counts by Update.
func serveExact(t *testing.T, where string) (url string) {
	t.Helper()
	s, closeStore, err := open(where)
	if err != nil {
		t.Fatal(err)
	}
	sessions := sesame.New[Session](sesame.WithStore(s))
	server := httptest.NewServer(sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var times int
		err := sessions.Update(r.Context(), func(s *Session) error {
			s.Times++
			times = s.Times
			return nil
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, times)
	})))
	t.Cleanup(func() {
		server.Close()
		if err := closeStore(); err != nil {
			t.Error(err)
		}
	})
	return server.URL
}
