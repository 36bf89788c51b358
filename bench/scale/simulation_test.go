package main

import (
	"math"
	"slices"
	"testing"
	"time"
)

// calm is a site with hardly any load on its engine.
func calm(t *testing.T, engine string, m mix) setup {
	t.Helper()
	e, err := engineNamed(engine)
	if err != nil {
		t.Fatal(err)
	}
	return setup{
		workload: workload{
			sessions: 1e6, rps: 5000, mix: m, zipf: 0.6, burst: 4, gap: 5 * time.Millisecond,
			handler: 2 * time.Millisecond, idle: time.Hour, size: 300, owned: 0.5,
		},
		engine: e, nodes: 1, rtt: 200 * time.Microsecond, requests: 40_000, seed: 1,
	}
}

var usual = mix{untouched: 40, reads: 45, changes: 10, creates: 3, renews: 1.2, logsOut: .8}

// Each request is answered once or fails once, whatever happens.
func TestConservation(t *testing.T) {
	for _, name := range engineNames() {
		for _, crash := range []bool{false, true} {
			for _, rps := range []float64{5000, 5e6} { // the latter is too much for any node
				c := calm(t, name, usual)
				c.crash, c.rps, c.requests = crash, rps, 8000
				r := c.run()
				if r.In != c.requests {
					t.Errorf("%s: %d requests, want %d", name, r.In, c.requests)
				}
				if r.answered()+r.Failed != r.In {
					t.Errorf("%s, crash %t: %d requests, but %d answered and %d failed", name, crash, r.In, r.answered(), r.Failed)
				}
				if crash != (r.Failed > 0) {
					t.Errorf("%s, crash %t: %d failed", name, crash, r.Failed)
				}
			}
		}
	}
}

func TestUntouchedRequestsCostNothing(t *testing.T) {
	r := calm(t, "redis", mix{untouched: 100}).run()
	if r.Trips != 0 || r.Up != 0 || r.Commands[0] != 0 {
		t.Errorf("%d round trips, %g bytes, %d commands", r.Trips, r.Up, r.Commands[0])
	}
}

func TestMoreShardsNeverMoreLoad(t *testing.T) {
	before := math.Inf(1)
	for _, nodes := range []int{1, 2, 3, 6, 12, 24, 48, 96} {
		c := calm(t, "redis-cluster", usual)
		c.nodes, c.requests = nodes, 20_000
		r := c.run()
		if r.busiest() > before {
			t.Errorf("%d nodes: the busiest is at %g, and with fewer was at %g", nodes, r.busiest(), before)
		}
		before = r.busiest()
	}
}

// Of two requests for one session the second conflicts if it loads before the
// first has saved. The time between them is exponentially distributed.
func TestConflictsOfTwo(t *testing.T) {
	for _, gap := range []time.Duration{time.Millisecond, 5 * time.Millisecond, 40 * time.Millisecond} {
		c := calm(t, "redis", mix{changes: 100})
		c.zipf, c.sessions, c.rps, c.burst, c.gap = 0, 1e9, 100, 2, gap
		r := c.run()
		window := c.handler + c.rtt + micros(c.engine.get("load"))
		want := 1 - math.Exp(-window.Seconds()/gap.Seconds())
		near(t, "conflicts to a page, gap "+gap.String(), float64(r.Conflicts)/float64(r.In/2), want, 0.03)
	}
}

// Of three at the same instant two conflict, and one of these again.
func TestConflictsOfThree(t *testing.T) {
	c := calm(t, "redis", mix{changes: 100})
	c.zipf, c.sessions, c.rps, c.burst, c.gap, c.requests = 0, 1e12, 100, 3, 0, 9000
	r := c.run()
	if r.Conflicts != r.In || r.MostTries != 2 {
		t.Errorf("%d conflicts of %d requests, %d failed tries; want %d and 2", r.Conflicts, r.In, r.MostTries, r.In)
	}
}

// A session is touched by the first use after a tenth of its idle timeout:
// once in that time and the wait for the use.
func TestTouches(t *testing.T) {
	for _, rps := range []float64{1000, 5000, 25_000} {
		c := calm(t, "redis-cluster", mix{reads: 100})
		c.zipf, c.burst, c.rps, c.nodes = 0, 1, rps, 24
		r := c.run()
		touched := r.Trips - r.In // a load for each request, and the touches
		perSession := rps / c.workload.sessions
		near(t, "touches to a read", float64(touched)/float64(r.In), 1/(1+perSession*c.idle.Seconds()/10), 0.04)
	}
}

func TestZipf(t *testing.T) {
	for _, exponent := range []float64{0, 0.6, 1, 1.3} {
		c := calm(t, "redis", usual)
		c.workload.sessions, c.zipf = 1000, exponent
		s := simulationOf(c)
		const draws = 400_000
		var hits [1001]float64
		for range draws {
			hits[c.rank(s.rand)]++
		}
		for _, rank := range []uint64{1, 2, 10} {
			want := c.pages(rank) * float64(c.burst) / c.rps
			near(t, "share of a rank", hits[rank]/draws, want, 0.12)
		}
	}
}

// An update stays within the slot of its expiry, and so changes no index, the
// less often the wider apart the session's updates are.
func TestWarmUpdates(t *testing.T) {
	var before float64 = 2
	for _, slot := range []float64{60, 10, 1} {
		c := calm(t, "postgres", usual)
		c.engine.replace("slot", slot, "test")
		r := c.run()
		share := float64(r.Warm) / float64(r.Updates)
		if share <= 0 || share >= before {
			t.Errorf("slot of %g min: %g of the updates are warm, with a wider slot %g", slot, share, before)
		}
		before = share
	}
}

// What was acknowledged within the lag before the crash is lost, and nothing
// else.
func TestCrash(t *testing.T) {
	for lag, lost := range map[float64]bool{0: false, 1e9: true} {
		c := calm(t, "redis-cluster", mix{logsOut: 100})
		c.crash, c.nodes, c.burst = true, 3, 1
		c.engine.replace("lag", lag, "test")
		r := c.run()
		if lost != (r.Revived > 0) {
			t.Errorf("lag of %g ms: %d log-outs revived", lag, r.Revived)
		}
		near(t, "failed while a third is down", float64(r.FailedDown)/float64(r.InDown), 1.0/3, 0.05)
		if lost { // all of the node's before the crash
			near(t, "revived", float64(r.Revived), float64(c.requests)*3/5/3, 0.05)
		}
	}
}

// TestRenewalIsASave: a load and a compare-and-swap, on every engine.
func TestRenewalIsASave(t *testing.T) {
	for _, name := range engineNames() {
		c := calm(t, name, mix{renews: 100})
		c.owned, c.burst, c.zipf, c.sessions, c.requests, c.rps = 0, 1, 0, 1e12, 1000, 100
		if n := c.run().Trips; n != 2000 {
			t.Errorf("%s: %d round trips for 1000 renewals, want 2000", name, n)
		}
	}
}

func TestPercentile(t *testing.T) {
	r := result{}
	for i := range 1000 {
		r.latency = append(r.latency, time.Duration(i+1))
	}
	slices.Sort(r.latency)
	for p, want := range map[float64]time.Duration{50: 500, 99: 990, 99.9: 999, 100: 1000} {
		if got := r.percentile(p); got != want {
			t.Errorf("%g %%: got %d, want %d", p, got, want)
		}
	}
}
