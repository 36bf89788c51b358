package main

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// A node alone has to wait as long as queueing theory says. At two thirds of
// its capacity and a service time of 1 ms the mean wait is, in milliseconds,
// ρ/(1-ρ) for random service times, half of that for constant ones, and
// ρ²/(1-ρ²) with two cores.
func TestQueueingTheory(t *testing.T) {
	const rho = 2.0 / 3
	for _, c := range []struct {
		name     string
		cores    int
		constant bool
		want     float64
	}{
		{"M/M/1", 1, false, rho / (1 - rho)},
		{"M/D/1", 1, true, rho / (1 - rho) / 2},
		{"M/M/2", 2, false, rho * rho / (1 - rho*rho)},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		n := newNode(c.cores)
		var now, waited time.Duration
		const arrivals = 500_000
		for range arrivals {
			now += time.Duration(r.ExpFloat64() * 1e6 / rho / float64(c.cores))
			service := time.Millisecond
			if !c.constant {
				service = time.Duration(r.ExpFloat64() * 1e6)
			}
			waited += n.serve(now, service) - service - now
		}
		near(t, c.name+": mean wait", waited.Seconds()*1e3/arrivals, c.want, 0.04)
		near(t, c.name+": work", n.busy.Seconds()/now.Seconds()/float64(c.cores), rho, 0.02)
	}
}

// near fails if got is further from want than a share of that.
func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Abs(want)) {
		t.Errorf("%s: got %.4g, want %.4g ± %.0f %%", what, got, want, tolerance*100)
	}
}

func TestHashSlots(t *testing.T) {
	for _, nodes := range []int{1, 3, 7, 1000} {
		held := make([]float64, nodes)
		for key := range uint64(200_000) {
			held[owner(key, nodes)]++
		}
		if nodes == 1000 {
			continue // that no key is out of range is all that so few say
		}
		for _, n := range held {
			near(t, "keys of a node", n, 200_000/float64(nodes), 0.03)
		}
	}
}
