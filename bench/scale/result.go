package main

import (
	"math"
	"slices"
	"time"
)

// result is what was counted.
type result struct {
	In         int        // requests
	Answered   [kinds]int // by kind
	Failed     int        // with 503
	InDown     int        // that came after the crash
	FailedDown int        // of these
	Gone       int        // that found their session logged out
	Swaps      int        // compare-and-swaps
	Conflicts  int
	MostTries  int // of one commit
	Trips      int // round trips
	Updates    int // of rows, and those of them that change no index
	Warm       int
	Logged     float64   // bytes of write-ahead log, without page images
	Lost       [ops]int  // acknowledged writes that the crash took
	Revived    int       // of these: sessions that are back after their log-out
	Load       []float64 // of each node: share of the time that it was at work
	Commands   []int     // of each node
	Up, Down   float64   // bytes
	Window     time.Duration
	latency    []time.Duration
}

// acknowledged is a write that the node which dies may not have passed on.
type acknowledged struct {
	request *request
	op      op
}

func (s *simulation) finish() *result {
	r := &s.result
	r.Window = s.window()
	for _, n := range s.nodes {
		r.Load = append(r.Load, n.busy.Seconds()/r.Window.Seconds()/float64(len(n.free)))
		r.Commands = append(r.Commands, n.commands())
		r.Up += n.up
		r.Down += n.down
	}
	for _, a := range s.tail {
		if s.crash {
			r.Lost[a.op]++
			if a.op == remove && a.request.kind == logsOut && !a.request.failed {
				r.Revived++
			}
		}
	}
	slices.Sort(r.latency)
	return r
}

// perSecond turns a count into a rate.
func (r *result) perSecond(n float64) float64 { return n / r.Window.Seconds() }

func (r *result) answered() (n int) {
	for _, count := range r.Answered {
		n += count
	}
	return n
}

// busiest is the greatest load of a node, and mean that of all.
func (r *result) busiest() float64 { return slices.Max(r.Load) }

func (r *result) mean() (sum float64) {
	for _, load := range r.Load {
		sum += load
	}
	return sum / float64(len(r.Load))
}

// percentile is of the time that requests spent on the store.
func (r *result) percentile(p float64) time.Duration {
	if len(r.latency) == 0 {
		return 0
	}
	return r.latency[int(math.Ceil(p*float64(len(r.latency))/100-1e-9))-1]
}
