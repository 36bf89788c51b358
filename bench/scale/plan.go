package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// plan is a site on an engine: what is asked of the simulation.
type plan struct {
	setup
	processes int
	replicas  int
	revoked   int     // sessions of the one owner who has very many
	flood     float64 // sessions that a bot makes at once
}

// outcome is all that is known of it afterwards.
type outcome struct {
	plan
	*result
	sweep      sweeping
	debt       debt
	revocation revocation
	stored     float64 // bytes of all sessions, once
	wal        float64 // bytes a second, with page images
	vacuum     time.Duration
	limits     []limit // the one nearest to its end first
}

// limit is a resource and how much of it is used: at 1 there is no more.
type limit struct {
	name string
	used float64
}

// maxNodes is what Redis Cluster is made for: each node talks to all others.
const maxNodes = 1000

// A node should not be at work for more than this share of the time, so that
// commands do not queue, and there is something left when others fail.
const fullEnough = 0.5

func (p plan) run() *outcome {
	o := &outcome{plan: p}
	o.stored = p.workload.sessions * p.engine.bytes(p.size, p.owned)
	if o.nodes == 0 {
		o.nodes = o.enough()
	}
	if o.processes == 0 {
		o.processes = int(math.Max(2, math.Ceil(p.rps/2000)))
	}
	o.requests = max(o.requests, 1000*o.nodes) // less is more chance than load
	o.result = o.setup.run()
	o.sweep = sweeping{
		expiring: p.expiring(), processes: o.processes, flood: p.flood, after: 6 * time.Hour,
	}
	if !p.engine.ttl {
		o.sweep.batch = time.Duration(p.engine.get("batch") * float64(time.Millisecond))
		o.debt = o.sweep.run(p.seed)
	}
	o.revocation = p.engine.revoke(p.revoked, p.rtt)
	o.log()
	o.judge()
	return o
}

// lose runs it once more, and a primary dies.
func (o *outcome) lose() *result {
	c := o.setup
	c.crash = true
	return c.run()
}

// enough is how many nodes it takes: for memory and for commands. An engine
// that is not sharded has one.
func (o *outcome) enough() int {
	if !o.engine.sharded {
		return 1
	}
	probe := o.setup
	probe.nodes, probe.endless, probe.requests = 1, true, min(probe.requests, 50_000)
	work := probe.run().busiest() / fullEnough
	room := o.stored / (o.engine.get("node-memory") * 1e9)
	return int(math.Max(3, math.Ceil(max(work, room))))
}

// log adds to the write-ahead log what sweeps write, and the image of each
// page that is the first change of it after a checkpoint.
func (o *outcome) log() {
	if !o.engine.wal {
		return
	}
	e, n := o.engine, o.workload.sessions
	swept := min(o.expiring(), o.sweep.capacity())
	warm := o.perSecond(float64(o.Warm))
	cold := o.perSecond(float64(o.Updates-o.Warm+o.Answered[renews]+o.Answered[logsOut])) + swept
	// Dead rows that stay until a vacuum are those whose indexes changed.
	o.vacuum = time.Duration(0.05 * n / cold * float64(time.Second))
	cold += o.perSecond(float64(o.Answered[creates]))
	heap := n * (e.bytes(o.size, o.owned) - e.get("owner")) / 8192
	keys := n * 77 / 8192 // measured: the primary key's index
	o.wal = o.perSecond(o.Logged) + swept*e.logged(remove, 0, true) +
		e.get("page-image")*(o.images(heap, warm+cold)+o.images(keys, cold))
}

// images is how many of so many pages are logged whole in a second, if so many
// changes a second hit them at random.
func (o *outcome) images(pages, changes float64) float64 {
	checkpoint := o.engine.get("checkpoint") * 60
	return pages * (1 - math.Exp(-changes*checkpoint/pages)) / checkpoint
}

// judge finds what is used up first.
func (o *outcome) judge() {
	e := o.engine
	add := func(name string, used float64) { o.limits = append(o.limits, limit{name, used}) }
	add("processor", o.busiest())
	add("network", max(o.perSecond(o.Up), o.perSecond(o.Down))/float64(o.nodes)/(e.get("network")*1e6))
	if e.memory {
		add("memory", o.stored/float64(o.nodes)/(e.get("node-memory")*1e9))
	}
	if e.sharded {
		add("nodes", float64(o.nodes*(1+o.replicas))/maxNodes)
	}
	if e.wal {
		add("log", o.wal/(e.get("wal-limit")*1e6))
	}
	if !e.ttl {
		add("sweep", o.expiring()/o.sweep.capacity())
	}
	slices.SortStableFunc(o.limits, func(a, b limit) int { return cmp.Compare(b.used, a.used) })
}

// saturated reports whether requests come faster than they can be served, so that the
// queue grows without end.
func (o *outcome) saturated() bool { return o.busiest() >= 0.98 }

// verdict is what breaks first, in words.
func (o *outcome) verdict() string {
	first := o.limits[0]
	if first.used >= 1 {
		return fmt.Sprintf("%s: %s times what there is", first.name, digits(first.used))
	}
	return fmt.Sprintf("%s, of which %s %% is used", first.name, digits(first.used*100))
}
