package dirstore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store/dirstore"
)

// BenchmarkStore measures Load, Load with Save, and Count, of sessions of 300
// bytes.
func BenchmarkStore(b *testing.B) {
	const sessions = 1000
	dir := b.TempDir()
	s := open(b, dir, dirstore.WithSync(dirstore.Never))
	for i := range sessions {
		save(b, s, key(i), record(string(make([]byte, 300))))
	}
	for _, sync := range []bool{true, false} {
		s := open(b, dir, dirstore.WithSync(dirstore.Sync(sync)))
		b.Run(fmt.Sprintf("op=save/sync=%t", sync), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				k := key(rand.IntN(sessions))
				r, _ := s.Load(b.Context(), k)
				r.Expires = time.Now().Add(time.Hour)
				s.Save(b.Context(), k, r)
			}
		})
	}
	b.Run("op=load", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Load(b.Context(), key(rand.IntN(sessions)))
		}
	})
	b.Run("op=count", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Count(b.Context())
		}
	})
}
