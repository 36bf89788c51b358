package dirstore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store/dirstore"
)

// BenchmarkStore measures Load, and Load with Save, of sessions of 300 bytes.
func BenchmarkStore(b *testing.B) {
	const sessions = 1000
	for _, sync := range []bool{true, false} {
		s := open(b, b.TempDir(), dirstore.WithSync(false))
		r := record(string(make([]byte, 300)))
		for i := range sessions {
			save(b, s, key(i), r)
		}
		dirstore.WithSync(sync)(s)
		b.Run(fmt.Sprintf("op=load/sync=%t", sync), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Load(b.Context(), key(rand.IntN(sessions)))
			}
		})
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
}
