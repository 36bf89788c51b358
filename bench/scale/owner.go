package main

import (
	"math"
	"time"
)

// revocation is the cost of logging out everywhere for an owner of very many sessions,
// such as a bot or a shared account.
type revocation struct {
	Trips   int
	Took    time.Duration
	Blocked time.Duration // for everybody else on the list's node
	Index   float64       // bytes of the list
	Wal     float64       // bytes of write-ahead log
}

// revoke reads the list, removes what is in it in pipelines, and removes the
// list. A database does it in one statement.
func (e *engine) revoke(sessions int, rtt time.Duration) revocation {
	n := float64(sessions)
	r := revocation{Index: n * e.get("indexed")}
	scan := micros(n * e.get("listed"))
	if e.pipelined {
		pipelines := int(math.Ceil(n / e.get("pipeline")))
		r.Trips = 2 + pipelines
		r.Took = scan + micros(n*e.get("remove")) + time.Duration(r.Trips)*rtt
		if e.memory {
			r.Blocked = scan
		}
		return r
	}
	r.Trips = 1
	r.Took = scan + rtt
	r.Wal = n * e.logged(remove, 0, true)
	return r
}
