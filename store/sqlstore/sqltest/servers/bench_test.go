package servers

import (
	"context"
	"fmt"
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

// BenchmarkStore does one operation on sessions of 300 bytes. For figures that
// mean something start the servers with SESAME_SERVICES_FSYNC=1.
func BenchmarkStore(b *testing.B) {
	for _, e := range []engine{engines[0], engines[1], engines[3], unlogged} {
		b.Run(e.name, func(b *testing.B) {
			db := e.open(b, e.source(b))
			db.SetMaxOpenConns(16)
			db.SetMaxIdleConns(16)
			s := e.on(b, db, table(b, db))
			f := fill(b, s)
			for _, op := range []struct {
				name string
				do   func(ctx context.Context, i int) error
			}{{"load", f.load}, {"save", f.save}, {"touch", f.touch}} {
				for _, writers := range []int{1, 64} {
					b.Run(fmt.Sprintf("op=%s/writers=%d", op.name, writers), func(b *testing.B) {
						share(b, writers, op.do)
					})
				}
			}
			b.Run("op=count", func(b *testing.B) {
				for b.Loop() {
					n, err := s.Count(b.Context())
					require.NoError(b, err)
					require.Equal(b, sessions, n)
				}
			})
			b.Run("op=sweep", func(b *testing.B) { sweep(b, s) })
		})
	}
}

// A filled is a store with sessions, and their versions.
type filled struct {
	s        *sqlstore.Store
	record   store.Record
	versions [sessions]uint64
}

func fill(b *testing.B, s *sqlstore.Store) *filled {
	f := &filled{s: s, record: record(strings.Repeat("x", 300))}
	f.record.Owner = "ann"
	concurrently(b, sessions, func(i int) (err error) {
		f.versions[i], err = s.Save(b.Context(), key(i), f.record)
		return err
	})
	return f
}

func (f *filled) load(ctx context.Context, i int) error {
	_, err := f.s.Load(ctx, key(i))
	return err
}

func (f *filled) save(ctx context.Context, i int) (err error) {
	r := f.record
	r.Version, r.Expires = f.versions[i], time.Now().Add(time.Hour)
	f.versions[i], err = f.s.Save(ctx, key(i), r)
	return err
}

func (f *filled) touch(ctx context.Context, i int) error {
	return f.s.Touch(ctx, key(i), time.Now().Add(time.Hour))
}

// concurrently calls f with the numbers up to n, from 64 goroutines.
func concurrently(b *testing.B, n int, f func(i int) error) {
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() {
			for i := w; i < n; i += 64 {
				if err := f(i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// share calls do b.N times, from so many goroutines, each with sessions of its
// own.
func share(b *testing.B, writers int, do func(ctx context.Context, i int) error) {
	b.ReportAllocs()
	var n atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for w := range writers {
		wg.Go(func() {
			for i := w; n.Add(1) <= int64(b.N); i += writers {
				if i >= sessions {
					i = w
				}
				if err := do(b.Context(), i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

// sweep removes expired sessions.
func sweep(b *testing.B, s *sqlstore.Store) {
	for b.Loop() {
		b.StopTimer()
		concurrently(b, sessions, func(i int) error {
			_, err := s.Save(b.Context(), key(sessions+i), store.Record{Expires: time.Now().Add(-2 * time.Hour)})
			return err
		})
		b.StartTimer()
		n, err := s.Sweep(b.Context(), sessions)
		require.NoError(b, err)
		require.Equal(b, sessions, n)
	}
	b.ReportMetric(sessions*float64(b.N)/b.Elapsed().Seconds(), "sessions/s")
}
