package bench

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"
)

// Growth measures a read, a save, a walk through all and a sweep of all in stores with
// more and more live sessions. The last two are per session.
func (p Plan) Growth(w io.Writer, sessions ...int) error {
	for _, n := range sessions {
		for _, engine := range engines {
			if !chosen(p.Stores, engine.store) || engine.lib != Base && !chosen(p.Libs, engine.lib) {
				continue
			}
			_, _ = fmt.Fprintf(p.Progress, "growth, %s, %s, %d sessions\n", engine.lib, engine.store, n)
			e, err := engine.open(p.Place, n)
			if err != nil {
				return fmt.Errorf("bench: %s: %w", engine.store, err)
			}
			label := fmt.Sprintf("BenchmarkGrowth/lib=%s/store=%s/sessions=%d", engine.lib, engine.store, n)
			if err := p.grow(w, label, e, n); err != nil {
				return fmt.Errorf("bench: %s: %w", label, err)
			}
			if err := e.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}

// mostSwept of the sessions are swept: among a million, to let all of them
// expire takes minutes on a disk.
const mostSwept = 100_000

// fill saves n sessions, from 64 goroutines.
func fill(e engine, n int, expires func() time.Time) error {
	const writers = 64
	failed := make(chan error, writers)
	var wg sync.WaitGroup
	for first := range writers {
		wg.Go(func() {
			for i := first; i < n; i += writers {
				if err := e.save(i, expires()); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wg.Wait()
	close(failed)
	return <-failed
}

func (p Plan) grow(w io.Writer, label string, e engine, n int) error {
	if err := fill(e, n, inAnHour); err != nil {
		return err
	}
	runtime.GC()
	random := rand.New(rand.NewPCG(1, 2)) // any, but the same for all
	each := func(op string, do func(i int) error) error {
		const turns = 3
		for range turns {
			done, start := 0, time.Now()
			for time.Since(start) < p.Slice*4 {
				for range 16 {
					if err := do(random.IntN(n)); err != nil {
						return err
					}
				}
				done += 16
			}
			report(w, label, op, done, time.Since(start))
		}
		return nil
	}
	if err := each("load", e.load); err != nil {
		return err
	}
	if err := each("save", func(i int) error { return e.save(i, inAnHour()) }); err != nil {
		return err
	}
	if err := every(w, label, "list", e.list); err != nil {
		return err
	}
	soon := func() time.Time { return time.Now().Add(time.Millisecond) }
	if err := fill(e, min(n, mostSwept), soon); err != nil {
		return err
	}
	time.Sleep(2 * time.Millisecond) // until the last has expired
	return every(w, label, "sweep", e.sweep)
}

// every measures a walk through all, per session.
func every(w io.Writer, label, op string, all func() (int, error)) error {
	start := time.Now()
	n, err := all()
	if n > 0 {
		report(w, label, op, n, time.Since(start))
	}
	return err
}

func report(w io.Writer, label, op string, n int, took time.Duration) {
	fmt.Fprintf(w, "%s/op=%s-%d\t%d\t%.5g ns/op\n", label, op, runtime.GOMAXPROCS(0), n, float64(took)/float64(n))
}
