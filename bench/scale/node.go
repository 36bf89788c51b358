package main

import "time"

// slots is the number of Redis Cluster's hash slots.
const slots = 16384

// node is a server: a queue before some cores, first come, first served.
type node struct {
	free []time.Duration // when each core is free again
	busy time.Duration   // of all cores together
	ops  [ops]int
	up   float64 // bytes received
	down float64 // bytes sent
	dead bool
}

func newNode(cores int) *node { return &node{free: make([]time.Duration, cores)} }

// serve takes on a command that arrives at the given time and returns when it
// is done. Arrivals have to come in order of time.
func (n *node) serve(at, service time.Duration) time.Duration {
	core := 0
	for i, free := range n.free {
		if free < n.free[core] {
			core = i
		}
	}
	done := max(at, n.free[core]) + service
	n.free[core] = done
	n.busy += service
	return done
}

func (n *node) commands() int {
	total := 0
	for _, count := range n.ops {
		total += count
	}
	return total
}

// owner returns which of so many nodes has a key's hash slot. Each has a range
// of them.
func owner(key uint64, nodes int) int {
	return int(scramble(key) % slots * uint64(nodes) / slots)
}

// scramble spreads numbers, as hashing does.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
