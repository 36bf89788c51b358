package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/sesame-go/sesame/cmd/sesame/internal/terminal"
	"github.com/sesame-go/sesame/store"
)

var countCommand = &command{
	name: "count", short: "count the live sessions",
	long: `
Counts the live sessions. Redis and NATS cannot count, so all records are read
there.`,
	run: count,
}

func count(ctx context.Context, c *call) error {
	n, err := c.count(ctx)
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(map[string]int{"sessions": n})
	}
	_, err = fmt.Fprintln(c.stdout, terminal.Count(n, "session"))
	return err
}

func (c *call) count(ctx context.Context) (int, error) {
	if counter, ok := store.Capability[store.Counter](c.store); ok {
		return counter.Count(ctx)
	}
	n := 0
	progress := terminal.NewProgress(c.stderr, "counted", 0)
	defer progress.Close()
	for _, err := range c.sessions(ctx, "") {
		if err != nil && !errors.Is(err, store.ErrCorrupt) {
			return 0, err
		}
		if err == nil {
			n++
			progress.Add()
		}
	}
	return n, nil
}

var sweepCommand = &command{
	name: "sweep", short: "remove what has expired",
	long: `
Removes expired sessions. Programs that run do it themselves, a few at a time. SQL
databases keep what expired less than an hour ago. Redis and NATS drop what has
expired by themselves.`,
	run: sweep,
}

func sweep(ctx context.Context, c *call) error {
	sweeper, ok := store.Capability[store.Sweeper](c.store)
	if !ok && !c.json {
		_, err := fmt.Fprintf(c.stdout, "Nothing to do: %s drops by itself what has expired.\n", c.engine.Kind)
		return err
	}
	const batch = 1000
	swept := 0
	for ok {
		n, err := sweeper.Sweep(ctx, batch)
		swept += n
		if err != nil {
			return fmt.Errorf("%s removed, but not all: %w", terminal.Count(swept, "expired session"), err)
		}
		ok = n == batch
	}
	if c.json {
		return c.printJSON(map[string]int{"swept": swept})
	}
	_, err := fmt.Fprintf(c.stdout, "%s removed.\n", terminal.Count(swept, "expired session"))
	return err
}
