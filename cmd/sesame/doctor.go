package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"

	"github.com/sesame-go/sesame/cmd/sesame/internal/doctor"
	"github.com/sesame-go/sesame/cmd/sesame/internal/terminal"
)

var doctorCommand = &command{
	name: "doctor", short: "check the store, and say the cure",
	long: `
Checks the clocks, the settings of the engine that break a promise of docs/STORES.md,
all records, and whether sessions are found by their owner (500 of them, or --all).
It reads each session once and changes none. The exit code is 3 if there is a
problem; notes are what could not be seen, or is good to know.`,
	flags: func(set *flag.FlagSet, c *call) {
		set.BoolVar(&c.all, "all", false, "check the index for every session that has an owner")
	},
	run: examine,
}

func examine(ctx context.Context, c *call) error {
	progress := terminal.NewProgress(c.stderr, "read", c.estimate(ctx, c.engine))
	patient := &doctor.Patient{
		Engine: c.engine, Store: c.store, All: c.all,
		Done: progress.Add, Skips: func() int { return int(c.skips.Load()) },
	}
	found, err := patient.Examine(ctx)
	progress.Close()
	problems := 0
	for _, f := range found {
		if f.Level == doctor.Problem {
			problems++
		}
		if c.json {
			if err := c.printJSON(f); err != nil {
				return err
			}
			continue
		}
		c.printFinding(f)
	}
	switch {
	case err != nil:
		return err
	case problems > 0:
		return errFound
	}
	return nil
}

func (c *call) printFinding(f doctor.Finding) {
	const indent = 9
	block := func(head, text string) {
		for line := range strings.SplitSeq(terminal.Wrap(text, c.window()-indent), "\n") {
			fmt.Fprintf(c.stdout, "%-*s%s\n", indent, head, line)
			head = ""
		}
	}
	block(string(f.Level), terminal.Lines(f.Check+": "+f.Text))
	if f.Cure != "" {
		block("", "cure: "+terminal.Lines(f.Cure))
	}
}

// skipping counts the warnings of stores about records that they skip.
type skipping struct {
	slog.Handler
	n *atomic.Int64
}

func newLog(w io.Writer, n *atomic.Int64) *slog.Logger {
	return slog.New(skipping{slog.NewTextHandler(w, nil), n})
}

// Handle implements [slog.Handler].
func (s skipping) Handle(ctx context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "skipped") {
		s.n.Add(1)
	}
	return s.Handler.Handle(ctx, r)
}
