package logstore_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sesame-go/sesame/internal/records/recordstest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/logstore"
)

// fill saves n sessions of 300 bytes and returns their keys.
func fill(b *testing.B, s *logstore.Store, n int) []store.Key {
	keys := make([]store.Key, n)
	data := make([]byte, 300)
	var wg sync.WaitGroup
	const writers = 64
	for w := range writers {
		wg.Go(func() {
			for i := w; i < n; i += writers {
				keys[i] = key(i)
				r := store.Record{Expires: time.Now().Add(time.Hour), Data: data}
				if _, err := s.Save(b.Context(), keys[i], r); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return keys
}

// BenchmarkStore measures Load and, with so many goroutines, Load with Save.
func BenchmarkStore(b *testing.B) {
	for _, sessions := range []int{10_000, 1_000_000} {
		for _, mode := range []struct {
			name string
			sync logstore.Sync
		}{{"always", logstore.Always}, {"interval", logstore.Interval(time.Second)}} {
			s, err := logstore.Open(filepath.Join(b.TempDir(), "sessions.db"), logstore.WithSync(mode.sync))
			if err != nil {
				b.Fatal(err)
			}
			keys := fill(b, s, sessions)
			for _, op := range []string{"load", "save"} {
				for _, writers := range []int{1, 64} {
					b.Run(fmt.Sprintf("sync=%s/sessions=%d/op=%s/goroutines=%d", mode.name, sessions, op, writers), func(b *testing.B) {
						measure(b, s, keys, op == "save", writers)
					})
				}
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func measure(b *testing.B, s *logstore.Store, keys []store.Key, save bool, writers int) {
	ctx := b.Context()
	var left, slowest atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	b.ResetTimer()
	for range writers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				k := keys[rand.IntN(len(keys))]
				r, err := s.Load(ctx, k)
				if err != nil {
					b.Error(err)
					return
				}
				if !save {
					continue
				}
				r.Expires = time.Now().Add(time.Hour)
				begin := time.Now()
				_, _ = s.Save(ctx, k, r) // two may have loaded one version
				took := int64(time.Since(begin))
				for old := slowest.Load(); took > old && !slowest.CompareAndSwap(old, took); old = slowest.Load() {
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	if save {
		b.ReportMetric(float64(slowest.Load())/1e6, "ms-slowest")
	}
}

// BenchmarkOpen measures how long it takes to open a file with a million
// sessions of 300 bytes, and the memory that they need.
func BenchmarkOpen(b *testing.B) {
	const sessions = 1_000_000
	path := filepath.Join(b.TempDir(), "sessions.db")
	s, err := logstore.Open(path, logstore.WithSync(logstore.Never))
	if err != nil {
		b.Fatal(err)
	}
	fill(b, s, sessions)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Run(fmt.Sprintf("sessions=%d", sessions), func(b *testing.B) {
		var memory float64
		for b.Loop() {
			b.StopTimer()
			before := heap()
			b.StartTimer()
			s, err := logstore.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			memory = float64(heap()-before) / sessions
			if s.Len() != sessions {
				b.Fatal(s.Len())
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
		b.ReportMetric(memory, "B/session")
		b.ReportMetric(float64(info.Size())/sessions, "B-file/session")
	})
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkDeleteOwned(b *testing.B) {
	recordstest.BenchmarkDeleteOwned(b, func(b *testing.B) recordstest.Store {
		s, err := logstore.Open(filepath.Join(b.TempDir(), "sessions.db"), logstore.WithSync(logstore.Never))
		if err != nil {
			b.Fatal(err)
		}
		return s
	})
}
