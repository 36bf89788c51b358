package devicestest

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store"
)

const (
	owned  = 1000   // sessions of one owner
	others = 19_000 // sessions of other owners
)

// Benchmark fills an empty store with twenty thousand sessions, a thousand of them of
// one owner. It measures listing that owner's sessions, counting all (by the engine
// if it can count), decoding all (as a count without the engine must), and a log-in
// that exceeds the limit of sessions by one. Trips returns the number of round trips
// so far, and may be nil.
func Benchmark(b *testing.B, s store.Store, trips func() int) {
	m := sesame.New[device](sesame.WithStore(s))
	var filling sync.WaitGroup
	for w := range 64 {
		filling.Go(func() {
			for i := w; i < owned+others; i += 64 {
				d := device{User: "ann", Seen: i}
				if i >= owned {
					d.User = "user" + string(rune('a'+i%26))
				}
				sesametest.Cookie(b, m, d)
			}
		})
	}
	filling.Wait()
	measure := func(name string, f func(b *testing.B)) {
		b.Run("op="+name, func(b *testing.B) {
			before := 0
			if trips != nil {
				before = trips()
			}
			for b.Loop() {
				f(b)
			}
			if trips != nil {
				b.ReportMetric(float64(trips()-before)/float64(b.N), "round-trips/op")
			}
		})
	}
	measure("owned", func(b *testing.B) {
		n := 0
		for _, err := range m.OwnedBy(b.Context(), "ann") {
			noError(b, err)
			n++
		}
		equal(b, owned, n, "sessions of the owner")
	})
	measure("count", func(b *testing.B) {
		n, err := m.Count(b.Context())
		noError(b, err)
		equal(b, owned+others, n, "sessions")
	})
	measure("decode", func(b *testing.B) {
		n := 0
		for _, err := range m.All(b.Context()) {
			noError(b, err)
			n++
		}
		equal(b, owned+others, n, "sessions")
	})
	limited := sesame.New[device](sesame.WithStore(s), sesame.WithOwnerLimit(3))
	for range 3 {
		sesametest.Cookie(b, m, device{User: "eve"})
	}
	measure("login", func(b *testing.B) { login(b, m, "bob") })
	measure("login-over-limit", func(b *testing.B) { login(b, limited, "eve") })
}

// login logs a visitor in.
func login(b *testing.B, m *sesame.Manager[device], user string) {
	set, status := visit(m, nil, func(ctx context.Context, d *device) {
		m.Renew(ctx)
		d.User = user
	})
	equal(b, http.StatusOK, status, "the status of a log-in")
	equal(b, true, set != nil, "a log-in has a cookie")
}
