package bench

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	scsmemory "github.com/alexedwards/scs/v2/memstore"

	"github.com/sesame-go/sesame/store/memstore"
)

// Wait measures, for the stores in memory, how long reads of one session take at most
// while a number of expired ones are swept, and for comparison how long they take
// while another goroutine only calculates.
func (p Plan) Wait(w io.Writer, sessions int) error {
	if !chosen(p.Stores, "memory") {
		return nil
	}
	_, _ = fmt.Fprintf(p.Progress, "waiting for a sweep of %d\n", sessions)
	memory := memstore.New(memstore.WithMaxSessions(2 * sessions))
	ours := newStoreEngine(memory, sessions, nil)
	err := fill(ours, sessions, func() time.Time { return time.Now().Add(time.Millisecond) })
	if err != nil {
		return err
	}
	if err := ours.renew(0); err != nil {
		return err
	}
	waited(w, Base, "arithmetic", sessions, probe(ours, func() {
		for start := time.Now(); time.Since(start) < time.Second; {
			arithmetic()
		}
	}))
	waited(w, Base, "sweep", sessions, probe(ours, func() { _, err = ours.sweep() }))
	if err != nil {
		return err
	}
	if left := memory.Len(); left != 1 {
		return fmt.Errorf("bench: the sweep has left %d sessions, one of them live", left)
	}
	if !chosen(p.Libs, "scs") {
		return nil
	}

	// The store of scs sweeps in a goroutine of its own, in one go.
	const every = 2 * time.Second
	store := scsmemory.NewWithCleanupInterval(every)
	defer store.StopCleanup()
	theirs := newSCSEngine(store, sessions, nil)
	deadline := time.Now().Add(2 * every)
	if err := fill(theirs, sessions, func() time.Time { return deadline }); err != nil {
		return err
	}
	if err := theirs.save(0, time.Now().Add(time.Hour)); err != nil {
		return err
	}
	time.Sleep(time.Until(deadline))
	waited(w, "scs", "sweep", sessions, probe(theirs, func() { time.Sleep(2 * every) }))
	return nil
}

// renew puts a live session in the place of an expired one.
func (e *storeEngine) renew(i int) error {
	e.keys[i], e.versions[i] = numbered(-1), 0
	return e.save(i, time.Now().Add(time.Hour))
}

// probe reads the first session again and again while during runs, and returns
// how long each read took. The garbage collector is off: it takes a processor
// for milliseconds at a time, and that is not what a sweep makes others wait.
func probe(e engine, during func()) []time.Duration {
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	done := make(chan struct{})
	go func() {
		defer close(done)
		during()
	}()
	var took []time.Duration
	for {
		start := time.Now()
		if err := e.load(0); err != nil {
			panic(err)
		}
		took = append(took, time.Since(start))
		select {
		case <-done:
			return took
		default:
		}
	}
}

// long is the longest wait that a sweep may cause.
const long = 2 * time.Millisecond

func waited(w io.Writer, lib, during string, sessions int, took []time.Duration) {
	slices.Sort(took)
	n := len(took)
	var all time.Duration
	for _, t := range took {
		all += t
	}
	first, _ := slices.BinarySearch(took, long)
	fmt.Fprintf(w, "BenchmarkWait/lib=%s/store=memory/sessions=%d/during=%s-%d\t%d\t%d max-ns\t%d p99.99-ns\t%.3g long/s\n",
		lib, sessions, during, runtime.GOMAXPROCS(0), n, took[n-1], took[n-1-n/10_000], float64(n-first)/all.Seconds())
}
