// Scale simulates a site with very many sessions on an engine, to see what
// breaks first. docs/SCALE.md says what came out.
//
//	go run ./bench/scale
//	go run ./bench/scale -sessions 100M -engine postgres-hash
//	go run ./bench/scale -table
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	err := run(os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// number is a flag such as 50k or 1.5M.
type number float64

func (n *number) String() string { return count(float64(*n)) }
func (n *number) Set(text string) error {
	factor := 1.0
	for suffix, f := range map[string]float64{"k": 1e3, "M": 1e6, "G": 1e9, "B": 1e9} {
		if digits, found := strings.CutSuffix(text, suffix); found {
			text, factor = digits, f
			break
		}
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x >= 0 && x < 1e13) {
		return errors.New("use a number such as 20000, 50k, 10M or 1B")
	}
	*n = number(x * factor)
	return nil
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints the error, once
	sessions, rps, requests := number(10e6), number(0), number(100e3)
	revoked, flood := number(100e3), number(0)
	shares := mix{untouched: 40, reads: 45, changes: 10, creates: 3, renews: 1.2, logsOut: .8}
	flags.Var(&sessions, "sessions", "`number` of live sessions")
	flags.Var(&rps, "rps", "requests a second; 0 is a 200th of the sessions")
	flags.Var(&requests, "requests", "how many to simulate")
	flags.Var(&shares, "mix", "`shares` of the requests, in per cent; reads are the rest")
	flags.Var(&revoked, "revoke", "`sessions` of the owner who has most")
	flags.Var(&flood, "flood", "`sessions` that a bot makes at once; 0 is a tenth of the sessions")
	name := flags.String("engine", "redis-cluster", "one of "+strings.Join(engineNames(), ", "))
	set := flags.String("set", "", "parameters of the engine: `name=value,...`; see -params")
	nodes := flags.Int("nodes", 0, "primaries of redis-cluster; 0 is as many as it takes")
	replicas := flags.Int("replicas", 1, "copies of each")
	processes := flags.Int("processes", 0, "of the program; 0 is one to 2,000 requests a second")
	zipf := flags.Float64("zipf", 0.6, "`exponent` of the sessions' popularity; 0: all are alike")
	burst := flags.Int("burst", 4, "requests of a page, all of one session")
	gap := flags.Duration("gap", 5*time.Millisecond, "mean time between these")
	handler := flags.Duration("handler", 2*time.Millisecond, "time of a handler without the store")
	rtt := flags.Duration("rtt", 200*time.Microsecond, "round trip to the engine")
	idle := flags.Duration("idle", time.Hour, "idle timeout")
	bytes := flags.Float64("size", 300, "`bytes` of a record: 71 and the codec's")
	owned := flags.Float64("owned", 0.5, "share of the sessions that have an owner")
	seed := flags.Uint64("seed", 1, "of the random numbers")
	table := flags.Bool("table", false, "a line for each engine and 100k to 1B sessions")
	params := flags.Bool("params", false, "print the engine's parameters and where they come from")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(out)
		flags.PrintDefaults()
	}
	if err != nil {
		return err
	}
	if rps == 0 {
		rps = sessions / 200
	}
	if flood == 0 {
		flood = sessions / 10
	}
	p := plan{
		setup: setup{
			workload: workload{
				sessions: float64(sessions), rps: float64(rps), mix: shares, zipf: *zipf, burst: *burst, gap: *gap,
				handler: *handler, idle: *idle, size: *bytes, owned: *owned,
			},
			nodes: *nodes, rtt: *rtt, requests: int(requests), seed: *seed,
		},
		processes: *processes, replicas: *replicas, revoked: int(revoked), flood: float64(flood),
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q: there are flags only", flags.Arg(0))
	}
	if err = p.check(); err != nil {
		return err
	}
	if *table {
		return tabulate(p, *set, out)
	}
	if p.engine, err = engineNamed(*name); err != nil {
		return err
	}
	if err = p.engine.set(*set); err != nil {
		return err
	}
	if *nodes > 1 && !p.engine.sharded {
		return fmt.Errorf("-nodes %d: %s has one", *nodes, *name)
	}
	if *params {
		return printParams(p.engine, out)
	}
	return p.run().report(out)
}

// check refuses parameters that make no sense or never end.
func (p *plan) check() error {
	w := &p.workload
	switch {
	case w.sessions < 1:
		return errors.New("-sessions: at least 1")
	case w.rps <= 0:
		return errors.New("-rps: more than 0")
	case p.requests < 100 || p.requests > 20e6:
		return errors.New("-requests: from 100 to 20M")
	case !(w.zipf >= 0 && w.zipf <= 3):
		return errors.New("-zipf: from 0 to 3")
	case w.burst < 1 || w.burst > 1000:
		return errors.New("-burst: from 1 to 1000")
	case w.gap < 0 || w.handler < 0 || p.rtt < 0:
		return errors.New("-gap, -handler, -rtt: no negative times")
	case w.idle < time.Second:
		return errors.New("-idle: at least a second")
	case !(w.size >= 71 && w.size <= 1<<20):
		return errors.New("-size: from 71, the header, to 1048576")
	case !(w.owned >= 0 && w.owned <= 1):
		return errors.New("-owned: from 0 to 1")
	case w.mix[creates] == 0:
		return errors.New("-mix: without new sessions there are none to keep")
	case p.nodes < 0 || p.nodes > slots:
		return errors.New("-nodes: from 0 to 16384")
	case p.replicas < 0 || p.processes < 0:
		return errors.New("-replicas, -processes: no negative numbers")
	}
	return nil
}
