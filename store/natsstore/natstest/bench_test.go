package natstest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/natsstore"
)

// sessions are few enough that a store remembers all of them, as it does those
// that requests have just loaded.
const sessions = 4_000

// BenchmarkStore measures operations on sessions of 300 bytes over TCP, with
// the server in the same process. With sync=always the server syncs before it
// answers.
func BenchmarkStore(b *testing.B) {
	for _, sync := range []string{"default", "always"} {
		opts := options(b.TempDir())
		opts.SyncAlways = sync == "always"
		js := connect(b, start(b, opts).ClientURL())
		for _, clients := range []int{1, 64} {
			params := fmt.Sprintf("sync=%s/clients=%d", sync, clients)
			if sync == "default" {
				b.Run("op=load/"+params, func(b *testing.B) {
					s := open(b, js)
					fill(b, s)
					share(b, clients, func(i int) error {
						_, err := s.Load(context.Background(), key(i%sessions))
						return err
					})
				})
			}
			b.Run("op=save/"+params, func(b *testing.B) {
				s := open(b, js)
				versions := fill(b, s)
				share(b, clients, func(i int) (err error) {
					i %= sessions
					r := record(strings.Repeat("y", 300))
					r.Version = versions[i]
					versions[i], err = s.Save(context.Background(), key(i), r)
					return err
				})
			})
			for _, owner := range []string{"", "ann"} {
				b.Run("op=create/owner="+owner+"/"+params, func(b *testing.B) {
					s := open(b, js)
					share(b, clients, func(i int) error {
						r := record(strings.Repeat("x", 300))
						r.Owner = owner
						_, err := s.Save(context.Background(), key(i), r)
						return err
					})
				})
			}
		}
	}
}

// fill creates sessions and returns their versions.
func fill(b *testing.B, s *natsstore.Store) []uint64 {
	versions := make([]uint64, sessions)
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() {
			for i := w; i < sessions; i += 64 {
				v, err := s.Save(context.Background(), key(i), record(strings.Repeat("x", 300)))
				if err != nil {
					b.Error(err)
				}
				versions[i] = v
			}
		})
	}
	wg.Wait()
	return versions
}

// share runs f b.N times in so many goroutines, never with numbers that are
// equal modulo sessions at the same time.
func share(b *testing.B, clients int, f func(i int) error) {
	b.ReportAllocs()
	b.ResetTimer()
	var n atomic.Int64
	var wg sync.WaitGroup
	for w := range clients {
		wg.Go(func() {
			for i := w; n.Add(1) <= int64(b.N); i += clients {
				if err := f(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

// BenchmarkOwner measures what there is by owner, for one who has a thousand
// sessions.
func BenchmarkOwner(b *testing.B) {
	js := connect(b, start(b, options(b.TempDir())).ClientURL())
	const n = 1000
	create := func(s store.Store) {
		var wg sync.WaitGroup
		for w := range 50 {
			wg.Go(func() {
				for i := w; i < n; i += 50 {
					r := record(strings.Repeat("x", 300))
					r.Owner = "ann"
					if _, err := s.Save(context.Background(), key(i), r); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	b.Run("op=list", func(b *testing.B) {
		s := open(b, js)
		create(s)
		b.ReportAllocs()
		for b.Loop() {
			count := 0
			for _, err := range s.Owned(context.Background(), "ann") {
				require.NoError(b, err)
				count++
			}
			require.Equal(b, n, count)
		}
	})
	b.Run("op=walk", func(b *testing.B) {
		s := open(b, js)
		create(s)
		b.ReportAllocs()
		for b.Loop() {
			for _, err := range s.All(context.Background()) {
				require.NoError(b, err)
			}
		}
	})
	b.Run("op=delete", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			s := open(b, js)
			create(s)
			b.StartTimer()
			removed, err := s.DeleteOwned(context.Background(), "ann")
			require.NoError(b, err)
			require.Equal(b, n, removed)
		}
	})
}
