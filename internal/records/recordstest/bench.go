package recordstest

import (
	"sync"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store"
)

// BenchmarkDeleteOwned measures the removal of an owner's 100,000 sessions and
// how long others wait for theirs.
func BenchmarkDeleteOwned(b *testing.B, open func(*testing.B) Store) {
	const owned, others = 100_000, 1000
	var slowest time.Duration
	for b.Loop() {
		b.StopTimer()
		s := open(b)
		for i := range owned + others {
			r := store.Record{Expires: time.Now().Add(time.Hour), Data: make([]byte, 300)}
			if i >= others {
				r.Owner = "ann"
			}
			if _, err := s.Save(b.Context(), Key(i), r); err != nil {
				b.Fatal(err)
			}
		}
		done := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				begin := time.Now()
				if _, err := s.Load(b.Context(), Key(i%others)); err != nil {
					b.Error(err)
				}
				slowest = max(slowest, time.Since(begin))
			}
		})
		b.StartTimer()
		if n, err := s.DeleteOwned(b.Context(), "ann"); n != owned || err != nil {
			b.Fatal(n, err)
		}
		b.StopTimer()
		close(done)
		wg.Wait()
		b.StartTimer()
	}
	b.ReportMetric(float64(slowest)/1e6, "ms-slowest-load")
}
