package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
)

// tabulate runs all engines at all sizes.
func tabulate(p plan, set string, out io.Writer) error {
	if set != "" {
		return errors.New("-set: is for one engine, not for -table")
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "engine\tsessions\trequests/s\tnodes\tstored\ttrips/s\tto\tfrom\tbusy\t99 %\tbreaks first")
	for _, name := range engineNames() {
		for sessions := 1e5; sessions <= 1e9; sessions *= 10 {
			q := p
			q.workload.sessions, q.rps, q.flood = sessions, sessions/200, sessions/10
			q.engine = engines()[name]
			o := q.run()
			latency := "–"
			if !o.saturated() {
				latency = rough(o.percentile(99))
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s/s\t%s/s\t%s %%\t%s\t%s\n", name, count(sessions), count(q.rps), o.nodes, size(o.stored),
				count(o.perSecond(float64(o.Trips))), size(o.perSecond(o.Up)), size(o.perSecond(o.Down)), digits(o.busiest()*100), latency, o.verdict())
		}
	}
	return w.Flush()
}

func printParams(e *engine, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, p := range e.params {
		fmt.Fprintf(w, "%s\t%g\t%s\t%s\n", p.name, p.value, p.unit, p.source)
	}
	return w.Flush()
}
