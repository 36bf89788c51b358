package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"
)

// report prints an outcome as a table of two columns.
func (o *outcome) report(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	rate := func(n int) string { return count(o.perSecond(float64(n))) }

	line("sessions", "%s of %s each, %s %% with an owner", count(o.workload.sessions), size(o.size), digits(o.owned*100))
	line("requests", "%s/s, in pages of %d; %s", count(o.rps), o.burst, &o.mix)
	line("mean life", "%s; %s expire a second", rough(o.life()), count(o.expiring()))
	line(o.engine.name, "%s", o.machines())
	line("simulated", "%s requests, %s", count(float64(o.In)), rough(o.Window))
	fmt.Fprintln(w)
	line("stored", "%s: %s each%s", size(o.stored), size(o.stored/o.workload.sessions), o.copies())
	line("round trips", "%s/s, %.2f to a request", rate(o.Trips), float64(o.Trips)/float64(o.In))
	line("bytes", "%s/s to the engine, %s/s from it", size(o.perSecond(o.Up)), size(o.perSecond(o.Down)))
	if o.engine.wal {
		line("write-ahead log", "%s/s with page images; %.0f %% of the updates change no index", size(o.wal), percent(o.Warm, o.Updates))
		line("autovacuum", "each %s, reading %s", rough(o.vacuum), size(o.stored))
	}
	line("busiest node", "%s commands/s, at work %.1f %% of the time; the mean is %.1f %%",
		count(o.perSecond(float64(most(o.Commands)))), o.busiest()*100, o.mean()*100)
	line("conflicts", "%s %% of %s swaps/s; at most %d tries of a commit", digits(percent(o.Conflicts, o.Swaps)), rate(o.Swaps), max(1, o.MostTries+1))
	line("time on the store", "%s", o.times())
	fmt.Fprintln(w)
	o.failure(line)
	o.sweeps(line)
	o.owners(line)
	fmt.Fprintln(w)
	var used []string
	for _, l := range o.limits {
		used = append(used, l.name+" "+digits(l.used*100)+" %")
	}
	line("used", "%s", strings.Join(used, ", "))
	line("breaks first", "%s", o.verdict())
	return w.Flush()
}

func (o *outcome) machines() string {
	switch {
	case o.engine.sharded:
		return fmt.Sprintf("%d primaries, %d replica(s) each, %d processes of the program", o.nodes, o.replicas, o.processes)
	case o.engine.get("partitions") > 1:
		return fmt.Sprintf("1 server of %g cores, %g partitions, %d processes of the program", o.engine.get("cores"), o.engine.get("partitions"), o.processes)
	}
	return fmt.Sprintf("1 server of %g cores, %d processes of the program", o.engine.get("cores"), o.processes)
}

func (o *outcome) copies() string {
	s := ""
	if o.engine.sharded {
		s = ", " + size(o.stored/float64(o.nodes)) + " a node"
	}
	if o.replicas > 0 {
		s += ", " + size(o.stored*float64(1+o.replicas)) + " with replicas"
	}
	return s
}

func (o *outcome) times() string {
	if o.saturated() {
		return "saturated: the queue grows without end"
	}
	return fmt.Sprintf("half %s, 99 %% %s, 99.9 %% %s", rough(o.percentile(50)), rough(o.percentile(99)), rough(o.percentile(99.9)))
}

// failure is what the loss of one primary means.
func (o *outcome) failure(line func(name, format string, args ...any)) {
	c, down := o.lose(), o.engine.get("failover")
	share := float64(c.FailedDown) / max(1, float64(c.InDown))
	line("a primary dies", "%s %% of the requests get 503 for %g s: %s of them", digits(share*100), down, count(share*o.rps*down))
	var lost []string
	total := 0
	for i, n := range c.Lost {
		total += n
		if n > 0 {
			lost = append(lost, fmt.Sprintf("%d %s", n, op(i)))
		}
	}
	if total == 0 {
		line("", "no acknowledged write is lost")
		return
	}
	line("", "lost though acknowledged, in %g ms: %s; %d log-outs revived", o.engine.get("lag"), strings.Join(lost, ", "), c.Revived)
}

func (o *outcome) sweeps(line func(name, format string, args ...any)) {
	if o.engine.ttl {
		line("sweep", "by the engine")
		return
	}
	line("sweep", "%s/s expire, %s/s can be swept; backlog %s", count(o.expiring()), count(o.sweep.capacity()), count(o.debt.Usual))
	drained := "not drained within 18 h"
	if o.debt.Drained > 0 {
		drained = "drained " + rough(o.debt.Drained) + " later"
	}
	if o.debt.Growing {
		drained = "and grows without end"
	}
	line("", "after a flood of %s: %s, %s", count(o.flood), count(o.debt.Peak), drained)
}

func (o *outcome) owners(line func(name, format string, args ...any)) {
	r := o.revocation
	line("revoke an owner", "of %s sessions: %d round trips, %s, list of %s", count(float64(o.revoked)), r.Trips, rough(r.Took), size(r.Index))
	if r.Blocked > 0 {
		line("", "its node serves no one else for %s", rough(r.Blocked))
	}
	if r.Wal > 0 {
		line("", "in one transaction, %s of log", size(r.Wal))
	}
}

func percent(part, whole int) float64 { return 100 * float64(part) / max(1, float64(whole)) }

func most(counts []int) (n int) {
	for _, c := range counts {
		n = max(n, c)
	}
	return n
}

// count writes a number with three digits: 1.39k, 10M.
func count(n float64) string { return scaled(n, "", "k", "M", "G", "T") }

// size writes bytes: 4.66 GB.
func size(n float64) string { return scaled(n, " B", " kB", " MB", " GB", " TB") }

func scaled(n float64, units ...string) string {
	i := 0
	for i < len(units)-1 && math.Abs(n) >= 999.5 {
		n /= 1000
		i++
	}
	return digits(n) + units[i]
}

// digits writes a number with three of them, and never with an exponent.
func digits(n float64) string {
	if math.Abs(n) >= 99.95 {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.3g", n)
}

// rough is a duration of three digits.
func rough(d time.Duration) string {
	switch {
	case d >= 100*time.Hour:
		return digits(d.Hours()/24) + " days"
	case d >= 100*time.Minute:
		return digits(d.Hours()) + " h"
	case d >= 100*time.Second:
		return digits(d.Minutes()) + " min"
	case d >= time.Second:
		return digits(d.Seconds()) + " s"
	case d >= time.Millisecond:
		return digits(d.Seconds()*1e3) + " ms"
	}
	return digits(d.Seconds()*1e6) + " µs"
}
