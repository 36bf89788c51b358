package main

import (
	"math/rand/v2"
	"time"
)

// The limits of internal/lifecycle's sweep: after a commit, at most once a
// minute in each process, a hundred batches of 200, and no longer than the
// timeout of a commit.
const (
	sweepBatch   = 200
	sweepBatches = 100
	sweepEvery   = time.Minute
	sweepTimeout = 5 * time.Second
)

// sweeping is the debt of sessions that have expired and are still stored.
type sweeping struct {
	expiring  float64       // sessions a second that expire
	processes int           // that serve requests and so sweep
	batch     time.Duration // that one takes
	flood     float64       // sessions that a bot makes at once
	after     time.Duration // when these expire
}

// debt is in sessions.
type debt struct {
	Usual   float64       // most of the time before the flood
	Peak    float64       // after it
	Drained time.Duration // from the peak until it is the usual again; 0 if not within a day
	Growing bool
	Swept   float64 // in all
	Expired float64
}

// perSweep is the most that one sweep removes.
func (s *sweeping) perSweep() float64 {
	batches := sweepBatches
	if s.batch > 0 {
		batches = min(batches, int(sweepTimeout/s.batch))
	}
	return float64(batches * sweepBatch)
}

// capacity is what all processes can sweep in a second.
func (s *sweeping) capacity() float64 {
	return s.perSweep() * float64(s.processes) / sweepEvery.Seconds()
}

// run goes through a day second by second. Each process has its own minute.
func (s *sweeping) run(seed uint64) debt {
	random := rand.New(rand.NewPCG(seed, 1))
	var due [60]int // how many processes sweep in each second of the minute
	for range s.processes {
		due[random.IntN(len(due))]++
	}
	var d debt
	var backlog float64
	var peakAt, above time.Duration // above: when the backlog last was more than the usual
	const day = 24 * time.Hour
	for t := time.Duration(0); t < day; t += time.Second {
		backlog += s.expiring
		d.Expired += s.expiring
		if t == s.after {
			d.Usual = max(d.Usual, backlog)
			backlog += s.flood
			d.Expired += s.flood
		}
		n := min(backlog, float64(due[int(t/time.Second)%len(due)])*s.perSweep())
		backlog -= n
		d.Swept += n
		switch {
		case t < s.after && t > s.after/2:
			d.Usual = max(d.Usual, backlog)
		case t >= s.after && backlog > d.Peak:
			d.Peak, peakAt, above = backlog, t, t
		case t > s.after && backlog > d.Usual:
			above = t
		}
	}
	if above < day-2*sweepEvery {
		d.Drained = above - peakAt
	}
	d.Growing = s.expiring > s.capacity()
	return d
}
