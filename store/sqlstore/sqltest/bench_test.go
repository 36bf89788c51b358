package sqltest

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
)

const sessions = 10_000

// fill creates sessions of 300 bytes and returns the versions.
func fill(b *testing.B, s store.Store) []uint64 {
	versions := make([]uint64, sessions)
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() {
			for i := w; i < sessions; i += 64 {
				v, err := s.Save(b.Context(), key(i), record(strings.Repeat("x", 300)))
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

// share runs f b.N times, in so many goroutines, each with sessions of its own.
func share(b *testing.B, writers int, f func(session int)) {
	var n atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for w := range writers {
		wg.Go(func() {
			for i := w; n.Add(1) <= int64(b.N); i += writers {
				if i >= sessions {
					i = w
				}
				f(i)
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

// BenchmarkSave changes sessions. Without grouping only one Save at a time
// reaches the store, so that each is a transaction.
func BenchmarkSave(b *testing.B) {
	for _, sync := range []string{"FULL", "NORMAL"} {
		for _, writers := range []string{"1", "64"} {
			for _, group := range []string{"yes", "no"} {
				b.Run("sync="+sync+"/writers="+writers+"/group="+group, func(b *testing.B) {
					benchmarkSave(b, sync, map[string]int{"1": 1, "64": 64}[writers], group == "yes")
				})
			}
		}
	}
}

func benchmarkSave(b *testing.B, sync string, writers int, group bool) {
	file := filepath.Join(b.TempDir(), "sessions.sqlite")
	s := newStore(b, openDB(b, strings.Replace(dsn(file), "FULL", sync, 1)))
	versions := fill(b, s)
	var st store.Store = s
	if !group {
		st = &oneAtATime{Store: s}
	}
	r := record(strings.Repeat("y", 300))
	share(b, writers, func(i int) {
		r := r
		r.Version = versions[i]
		var err error
		if versions[i], err = st.Save(context.Background(), key(i), r); err != nil {
			b.Error(err)
		}
	})
}

// BenchmarkLoad reads sessions.
func BenchmarkLoad(b *testing.B) {
	s := newFile(b)
	fill(b, s)
	for name, readers := range map[string]int{"readers=1": 1, "readers=64": 64} {
		b.Run(name, func(b *testing.B) {
			share(b, readers, func(i int) {
				if _, err := s.Load(context.Background(), key(i)); err != nil {
					b.Error(err)
				}
			})
		})
	}
}

// BenchmarkCount counts the sessions, and compares with reading them.
func BenchmarkCount(b *testing.B) {
	s := newFile(b)
	fill(b, s)
	b.Run("how=Count", func(b *testing.B) {
		for b.Loop() {
			n, err := s.Count(b.Context())
			require.NoError(b, err)
			require.Equal(b, sessions, n)
		}
	})
	b.Run("how=All", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for _, err := range s.All(b.Context()) {
				require.NoError(b, err)
				n++
			}
			require.Equal(b, sessions, n)
		}
	})
}

// BenchmarkSweep removes expired sessions.
func BenchmarkSweep(b *testing.B) {
	s := newFile(b)
	for b.Loop() {
		b.StopTimer()
		for i := 0; i < sessions; i += 500 {
			var wg sync.WaitGroup
			for j := range 500 {
				wg.Go(func() {
					_, err := s.Save(context.Background(), key(i+j), store.Record{Expires: time.Now().Add(-2 * time.Hour)})
					require.NoError(b, err)
				})
			}
			wg.Wait()
		}
		b.StartTimer()
		n, err := s.Sweep(context.Background(), sessions)
		require.NoError(b, err)
		require.Equal(b, sessions, n)
	}
	b.ReportMetric(sessions*float64(b.N)/b.Elapsed().Seconds(), "sessions/s")
}

// oneAtATime is a store that never has more than one Save to do.
type oneAtATime struct {
	*sqlstore.Store
	mu sync.Mutex
}

func (s *oneAtATime) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Store.Save(ctx, k, r)
}
