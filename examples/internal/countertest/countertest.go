// Package countertest tests programs that count visits, with real processes and
// over HTTP. The program's page has to say "3 times!", and its log has to say
// http://localhost: and the port once it listens.
package countertest

import (
	"math/rand/v2"
	"os"
	"sync"
	"testing"
)

// Persists counts, ends the process by a signal, starts another on the same
// store and counts on, once for each signal.
func Persists(t *testing.T, where string, ends ...os.Signal) {
	var ann browser
	want := 0
	for _, end := range append(ends, os.Kill) {
		s := start(t, where, 1)[0]
		for range 3 {
			want++
			ann.sees(t, s.url, want)
		}
		s.end(t, end)
	}
}

// Forgets counts from 1 in each process.
func Forgets(t *testing.T, where string) {
	var ann browser
	for range 2 {
		s := start(t, where, 1)[0]
		ann.cookie = nil
		for want := range 3 {
			ann.sees(t, s.url, want+1)
		}
		s.end(t, os.Kill)
	}
}

// Shares visits two processes that share a store and have started at once:
// first one visit after another, then many at a time, all with one session.
// Every visit counts once.
func Shares(t *testing.T, where string) {
	servers := start(t, where, 2)
	var ann browser
	want := 0
	for range 20 {
		want++
		ann.sees(t, servers[want%2].url, want)
	}

	const clients, visits = 8, 10
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			same := ann
			for range visits {
				if _, err := same.visit(servers[rand.N(2)].url); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	ann.sees(t, servers[0].url, want+clients*visits+1)
}
