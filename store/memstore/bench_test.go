package memstore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/sesame-go/sesame/internal/records/recordstest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// filled returns a store with n sessions of 300 bytes, and their keys.
func filled(b *testing.B, n int) (*memstore.Store, []store.Key) {
	s := memstore.New()
	keys := make([]store.Key, n)
	for i := range keys {
		keys[i] = key(i)
		r := store.Record{Expires: time.Now().Add(time.Hour), Data: make([]byte, 300)}
		if _, err := s.Save(b.Context(), keys[i], r); err != nil {
			b.Fatal(err)
		}
	}
	return s, keys
}

var ops = []struct {
	name string
	do   func(ctx context.Context, s *memstore.Store, k store.Key)
}{
	{"load", func(ctx context.Context, s *memstore.Store, k store.Key) { s.Load(ctx, k) }},
	{"save", func(ctx context.Context, s *memstore.Store, k store.Key) {
		r, _ := s.Load(ctx, k)
		r.Expires = time.Now().Add(time.Hour)
		s.Save(ctx, k, r)
	}},
	{"touch", func(ctx context.Context, s *memstore.Store, k store.Key) {
		s.Touch(ctx, k, time.Now().Add(time.Hour))
	}},
}

// BenchmarkStore measures Load, Load with Save, and Touch, on random keys.
func BenchmarkStore(b *testing.B) {
	for _, sessions := range []int{10_000, 1_000_000} {
		s, keys := filled(b, sessions)
		for _, op := range ops {
			b.Run(fmt.Sprintf("op=%s/sessions=%d/parallel=no", op.name, sessions), func(b *testing.B) {
				b.ReportAllocs()
				ctx := b.Context()
				for b.Loop() {
					op.do(ctx, s, keys[rand.IntN(len(keys))])
				}
			})
			b.Run(fmt.Sprintf("op=%s/sessions=%d/parallel=yes", op.name, sessions), func(b *testing.B) {
				b.ReportAllocs()
				ctx := b.Context()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						op.do(ctx, s, keys[rand.IntN(len(keys))])
					}
				})
			})
		}
	}
}

// BenchmarkFlood measures a new session without an owner in a full store.
func BenchmarkFlood(b *testing.B) {
	for _, sessions := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("sessions=%d", sessions), func(b *testing.B) {
			b.ReportAllocs()
			s := memstore.New(memstore.WithMaxSessions(sessions))
			ctx, data, n := b.Context(), make([]byte, 100), 0
			create := func() {
				s.Save(ctx, key(n), store.Record{Expires: time.Now().Add(time.Hour), Data: data})
				n++
			}
			for n < sessions {
				create()
			}
			for b.Loop() {
				create()
			}
		})
	}
}

// BenchmarkMillion measures the memory of a million sessions of 100 bytes.
func BenchmarkMillion(b *testing.B) {
	const sessions = 1_000_000
	for _, owned := range []bool{false, true} {
		b.Run(fmt.Sprintf("owned=%t", owned), func(b *testing.B) {
			var bytes, objects float64
			for b.Loop() {
				before := memory()
				s := memstore.New()
				for i := range sessions {
					r := store.Record{Expires: time.Now().Add(time.Hour), Data: make([]byte, 100)}
					if owned {
						r.Owner = fmt.Sprintf("user-%d", i)
					}
					if _, err := s.Save(b.Context(), key(i), r); err != nil {
						b.Fatal(err)
					}
				}
				after := memory()
				bytes = float64(after.HeapAlloc-before.HeapAlloc) / sessions
				objects = float64(after.HeapObjects-before.HeapObjects) / sessions
				runtime.KeepAlive(s)
			}
			b.ReportMetric(bytes, "B/session")
			b.ReportMetric(objects, "objects/session")
		})
	}
}

func memory() runtime.MemStats {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m
}

func BenchmarkDeleteOwned(b *testing.B) {
	recordstest.BenchmarkDeleteOwned(b, func(*testing.B) recordstest.Store { return memstore.New() })
}
