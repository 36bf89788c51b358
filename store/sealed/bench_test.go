package sealed_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// BenchmarkStore measures what sealing adds to a store that costs next to
// nothing.
func BenchmarkStore(b *testing.B) {
	for _, size := range []int{300, 2048} {
		for _, on := range []bool{false, true} {
			var s store.Store = memstore.New()
			if on {
				s = seal(b, s, secret(1))
			}
			r := store.Record{Expires: time.Now().Add(time.Hour), Data: make([]byte, size)}
			r.Version = save(b, s, store.Key{1}, r)
			b.Run(fmt.Sprintf("op=load/bytes=%d/sealed=%t", size, on), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					s.Load(b.Context(), store.Key{1})
				}
			})
			b.Run(fmt.Sprintf("op=save/bytes=%d/sealed=%t", size, on), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					r.Version, _ = s.Save(b.Context(), store.Key{1}, r)
				}
			})
		}
	}
}
