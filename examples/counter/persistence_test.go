package main

import (
	"fmt"
	"net/http"
	"os"
	"syscall"
	"testing"
)

// TestPersistence counts, ends the process, starts another on the same store,
// and counts on, with real processes: one that is told to end, one that is
// killed.
func TestPersistence(t *testing.T) {
	for _, engine := range engines {
		t.Run(engine.name, func(t *testing.T) {
			where := engine.place(t)
			var cookie *http.Cookie
			want := 0
			for _, end := range []os.Signal{syscall.SIGTERM, os.Kill, syscall.SIGTERM} {
				if !engine.survives {
					want = 0
				}
				c := startCounters(t, where, 1)[0]
				for range 3 {
					want++
					var page string
					page, cookie = visit(t, c.url, cookie)
					if page != fmt.Sprintf("%d times!\n", want) {
						t.Fatalf("got %q, want %d times", page, want)
					}
				}
				c.end(t, end)
			}
		})
	}
}
