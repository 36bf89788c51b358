package sesame_test

import (
	"context"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// BenchmarkLive opens ten thousand streams, each of another session, and reports
// what Live adds to the requests: memory and goroutines for each, how many
// sessions are loaded a second while nothing happens, and how long it takes until
// the streams know that all sessions have been revoked by another manager.
func BenchmarkLive(b *testing.B) {
	const streams = 10_000
	for _, c := range []struct {
		name string
		of   func(s *counted) store.Store
	}{
		{"watched", func(s *counted) store.Store { return s }},
		{"polled", func(s *counted) store.Store { return unwatched{counted: s} }},
	} {
		b.Run(c.name, func(b *testing.B) {
			var memory, goroutines, looked, took float64
			for b.Loop() {
				st := &counted{Store: memstore.New()}
				here := sesame.New[member](sesame.WithStore(c.of(st)))
				there := sesame.New[member](sesame.WithStore(st.Store))
				var loaded, live, ended, over sync.WaitGroup
				opening, closing := make(chan struct{}), make(chan struct{})
				for range streams {
					token := issue(b, there, func(s *member) { s.User = "ann" })
					loaded.Add(1)
					live.Add(1)
					ended.Add(1)
					over.Go(func() {
						visit(here, token, func(_ http.ResponseWriter, r *http.Request) {
							ctx, cancel := context.WithCancel(r.Context())
							defer cancel()
							here.Get(ctx)
							loaded.Done()
							<-opening
							stream := here.Live(ctx)
							live.Done()
							<-stream.Done()
							ended.Done()
							<-closing
						})
					})
				}
				loaded.Wait()
				before, running := inUse(), runtime.NumGoroutine()
				close(opening)
				live.Wait()
				memory += float64(inUse()-before) / streams
				goroutines += float64(runtime.NumGoroutine() - running)

				time.Sleep(25 * time.Second) // each has been looked at once
				loads, began := st.loads.Load(), time.Now()
				time.Sleep(10 * time.Second)
				looked += float64(st.loads.Load()-loads) / time.Since(began).Seconds()

				began = time.Now()
				_, err := there.RevokeOwner(b.Context(), "ann")
				require.NoError(b, err)
				ended.Wait()
				took += float64(time.Since(began).Milliseconds())
				close(closing)
				over.Wait()
			}
			n := float64(b.N)
			b.ReportMetric(memory/n, "B/stream")
			b.ReportMetric(goroutines/n, "goroutines")
			b.ReportMetric(looked/n, "loads/s")
			b.ReportMetric(took/n, "ms-to-end")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// counted counts its loads.
type counted struct {
	*memstore.Store
	loads atomic.Int64
}

func (c *counted) Load(ctx context.Context, k store.Key) (store.Record, error) {
	c.loads.Add(1)
	return c.Store.Load(ctx, k)
}

// unwatched has a field in the place of the method Watch.
type unwatched struct {
	*counted
	Watch struct{}
}

// inUse returns how much memory the program uses, after garbage collection.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
