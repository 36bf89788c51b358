// Command compare measures sesame beside other session libraries, in turns, and
// prints a table of what each costs and of the ratios to sesame.
//
//	go run ./cmd/compare                                 everything: half an hour, needs Redis and PostgreSQL
//	go run ./cmd/compare -stores memory -quick           a look at it: a minute or two
//	go run ./cmd/compare -sizes own -stores memory       a struct of yours, see bench/session.go
//	go run ./cmd/compare -sizes cart,loose -stores memory -only requests   some of the large ones, see bench/large.go
//	go run ./cmd/compare -libs scs,fiber -ops read -stores memory
//	go run ./cmd/compare -from results.txt               print the tables again
//
// scripts/services run redis postgres -- COMMAND starts the servers;
// -stores memory,file,sqlite does without.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/sesame-go/sesame/bench"
	"github.com/sesame-go/sesame/bench/internal/report"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// parts are what can be measured.
var parts = []string{"requests", "held", "growth", "wait", "durable", "scaling"}

type settings struct {
	plan        bench.Plan
	parts       []string
	quick       bool
	from, o     string
	docs        string
	profile     string
	libs, ops   string
	stores, siz string
	only        string
}

func run(args []string, out, progress io.Writer) error {
	s := settings{plan: bench.Plan{Place: bench.PlaceFromEnv(""), Progress: progress}}
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(progress)
	flags.StringVar(&s.stores, "stores", "", "stores, as in memory,redis; all if empty: "+strings.Join(bench.Stores, ","))
	flags.StringVar(&s.libs, "libs", "", "libraries beside sesame, as in scs,fiber; all if empty")
	flags.StringVar(&s.ops, "ops", "", "what requests do, as in read,change; all if empty")
	flags.StringVar(&s.siz, "sizes", "", "sessions of bench/session.go, as in small; all if empty")
	flags.StringVar(&s.only, "only", "", "parts, as in requests,held; all if empty: "+strings.Join(parts, ","))
	flags.IntVar(&s.plan.Rounds, "rounds", 15, "how often each library takes its turn; six at least for a confidence")
	flags.DurationVar(&s.plan.Slice, "slice", 50*time.Millisecond, "the length of a turn; twice as long where sessions are not in memory")
	flags.IntVar(&s.plan.Clients, "clients", 64, "clients at once where sessions are not in memory")
	flags.StringVar(&s.plan.Place.Dir, "dir", "", "where files go; os.TempDir if empty. A file system in memory has nothing to sync")
	flags.BoolVar(&s.quick, "quick", false, "six rounds of 20ms, at most 100,000 sessions")
	flags.StringVar(&s.o, "o", "", "write the results to this file, in the format of go test -bench")
	flags.StringVar(&s.from, "from", "", "measure nothing, read the results of this file")
	flags.StringVar(&s.docs, "docs", "", "write the tables and plots into PERFORMANCE.md and img of this directory")
	flags.StringVar(&s.profile, "cpuprofile", "", "write a profile of the processors' time to this file; for one library, -libs sesame")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil // the flags have been listed
	} else if err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected %q; lists have no blanks: -stores memory,redis", flags.Args())
	}
	if err := s.onlyPrints(flags); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	if err := s.checkServers(); err != nil {
		return err
	}
	text, err := s.results(args)
	if err != nil {
		return err
	}
	r, err := report.Read(bytes.NewReader(text))
	if err != nil {
		return err
	}
	for _, section := range r.Sections() {
		if section.Text != "" {
			fmt.Fprintf(out, "## %s\n\n%s\n", section.Name, section.Text)
		}
	}
	return s.publish(r)
}

// onlyPrints returns an error for flags that say what to measure where nothing
// is measured: they would not take effect.
func (s *settings) onlyPrints(flags *flag.FlagSet) error {
	if s.from == "" {
		return nil
	}
	var others []string
	flags.Visit(func(f *flag.Flag) {
		if f.Name != "from" && f.Name != "docs" {
			others = append(others, "-"+f.Name)
		}
	})
	if len(others) > 0 {
		return fmt.Errorf("%s: chooses what is measured, and cannot be used with -from, which prints all of its file; only -docs can",
			strings.Join(others, ", "))
	}
	return nil
}

// checkServers returns an error if the servers of the chosen stores are not
// there: else that would show after minutes, when what was measured is lost.
func (s *settings) checkServers() error {
	if s.from != "" || len(s.parts) > 0 && !slices.Contains(s.parts, "requests") { // the only part on servers
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, store := range bench.Stores {
		if len(s.plan.Stores) > 0 && !slices.Contains(s.plan.Stores, store) {
			continue
		}
		if err := s.plan.Place.Check(ctx, store); err != nil {
			return fmt.Errorf("%s: %w; or leave it out: -stores memory,file,sqlite", store, err)
		}
	}
	return nil
}

// check reads the lists.
func (s *settings) check() error {
	var libs, sizes, ops []string
	for _, e := range bench.Entries {
		if !slices.Contains(libs, e.Lib) { // it may be on several stores
			libs = append(libs, e.Lib)
		}
	}
	for _, session := range bench.Sessions {
		sizes = append(sizes, session.Name())
	}
	for _, op := range bench.Ops {
		ops = append(ops, string(op))
	}
	var chosenOps []string
	for _, list := range []struct {
		flag, value string
		known       []string
		to          *[]string
	}{
		{"stores", s.stores, bench.Stores, &s.plan.Stores},
		{"libs", s.libs, libs, &s.plan.Libs},
		{"sizes", s.siz, sizes, &s.plan.Sizes},
		{"ops", s.ops, ops, &chosenOps},
		{"only", s.only, parts, &s.parts},
	} {
		if list.value == "" {
			continue
		}
		*list.to = strings.Split(list.value, ",")
		for _, v := range *list.to {
			if !slices.Contains(list.known, v) {
				return fmt.Errorf("-%s: there is no %q; there are %s", list.flag, v, strings.Join(list.known, ", "))
			}
		}
	}
	for _, op := range chosenOps {
		s.plan.Ops = append(s.plan.Ops, bench.Op(op))
	}
	if s.quick {
		s.plan.Rounds, s.plan.Slice = 6, 20*time.Millisecond
	}
	if s.plan.Rounds < 1 || s.plan.Slice <= 0 || s.plan.Clients < 1 {
		return fmt.Errorf("-rounds, -slice and -clients must be positive")
	}
	return nil
}

// results measures, or reads what was measured.
func (s *settings) results(args []string) ([]byte, error) {
	if s.from != "" {
		return os.ReadFile(s.from)
	}
	var text bytes.Buffer
	out := io.Writer(&text)
	if s.o != "" {
		f, err := os.Create(s.o)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		out = io.MultiWriter(&text, f) // at once, so that what is interrupted is not lost
	}
	bench.WriteHeader(out, strings.TrimSpace("go run ./cmd/compare "+strings.Join(args, " ")))
	if s.profile != "" {
		f, err := os.Create(s.profile)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, err
		}
		defer pprof.StopCPUProfile()
	}
	sessions := []int{10_000, 100_000, 1_000_000}
	if s.quick {
		sessions = sessions[:2]
	}
	most := sessions[len(sessions)-1]
	for _, part := range []struct {
		name    string
		measure func() error
	}{
		{"requests", func() error { return s.plan.Compare(out) }},
		{"held", func() error { return s.plan.Held(out, 100_000) }},
		{"wait", func() error { return s.plan.Wait(out, most) }},
		{"durable", func() error { return s.plan.Durable(out, 10_000) }},
		{"scaling", func() error { return s.plan.Scaling(out) }},
		{"growth", func() error { return s.plan.Growth(out, sessions...) }},
	} {
		if len(s.parts) > 0 && !slices.Contains(s.parts, part.name) {
			continue
		}
		if err := part.measure(); err != nil {
			return nil, err
		}
	}
	return text.Bytes(), nil
}

// publish writes the tables and the plots where readers see them.
func (s *settings) publish(r *report.Report) error {
	if s.docs == "" {
		return nil
	}
	page := filepath.Join(s.docs, "PERFORMANCE.md")
	document, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	filled, err := r.Fill(string(document))
	if err != nil {
		return err
	}
	if err := os.WriteFile(page, []byte(filled), 0o644); err != nil {
		return err
	}
	return r.Plots(filepath.Join(s.docs, "img"))
}
