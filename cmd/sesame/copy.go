package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"github.com/sesame-go/sesame/cmd/sesame/engine"
	"github.com/sesame-go/sesame/cmd/sesame/internal/copying"
	"github.com/sesame-go/sesame/cmd/sesame/internal/terminal"
	"github.com/sesame-go/sesame/store"
)

var copyCommand = &command{
	name: "copy", args: "FROM TO", min: 2, max: 2, pair: true, short: "copy the live sessions to another store",
	long: `
Copies the live sessions of one store to another, which it creates if need be, and
then compares the two: data, owners and expiry. The site may go on: run copy again
for what has changed, and a last time, with --delete, after the site was stopped;
then start it on TO. It may be interrupted. What was used later in TO than in FROM
is left as it is. Sessions of package sealed are copied as they are.

A session that ended in FROM since an earlier copy is still in TO, and would be
back when the site moves there. --delete ends all sessions in TO that are not in
FROM. The exit code is 3 if the two differ in the end.`,
	flags: func(set *flag.FlagSet, c *call) {
		set.BoolVar(&c.delete, "delete", false, "end the sessions in TO that are not in FROM; asks first")
		set.BoolVar(&c.yes, "yes", false, "do not ask")
	},
	run: copySessions,
}

func copySessions(ctx context.Context, c *call) (err error) {
	from, err := engine.Open(ctx, c.args[0], c.log)
	if err != nil {
		return fmt.Errorf("FROM: %w", err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := engine.Create(ctx, c.args[1], c.log)
	if err != nil {
		return fmt.Errorf("TO: %w", err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if from.Place == to.Place && from.Name == to.Name {
		return usagef("copy: FROM and TO are one store, %s", from.Place)
	}

	j := &copying.Job{From: from.Store, To: to.Store}
	total := c.estimate(ctx, from)
	if err := c.step("copied", total, func(done func()) error { return j.Copy(ctx, done) }); err != nil {
		fmt.Fprintf(c.stderr, "%s copied so far; run it again to go on.\n", terminal.Count(int(j.New.Load()+j.Updated.Load()), "session"))
		return err
	}
	if err := c.step("compared", total, func(done func()) error { return j.Compare(ctx, done) }); err != nil {
		return err
	}
	find := func(remove bool) error {
		return c.step("compared in TO", total, func(done func()) error { return j.FindOnly(ctx, remove, done) })
	}
	if err := find(false); err != nil {
		return err
	}
	if only := int(j.Only.Load()); c.delete && only > 0 {
		if j.Equal.Load()+j.Differs.Load()+j.Missing.Load() == 0 {
			return fmt.Errorf("FROM, %s, has no sessions at all: --delete would empty TO; are FROM and TO the right way round?", from.Place)
		}
		question := fmt.Sprintf("End %s in %s that %s not in %s?", terminal.Count(only, "session"), to.Place, isAre(only), from.Place)
		if err := c.ask(ctx, question); err != nil {
			return err
		}
		if err := find(true); err != nil {
			return err
		}
	}
	return c.copied(j)
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// step does a part of the work with a bar that shows how far it is.
func (c *call) step(what string, total int, work func(done func()) error) error {
	progress := terminal.NewProgress(c.stderr, what, total)
	defer progress.Close()
	return work(progress.Add)
}

// estimate returns about how many sessions a store has, 0 if that would take a
// walk through all of them.
func (c *call) estimate(ctx context.Context, e *engine.Engine) (n int) {
	if counter, ok := store.Capability[store.Counter](e.Store); ok {
		n, _ = counter.Count(ctx)
		return n
	}
	if keys := e.Keys(ctx); keys != nil {
		for _, err := range keys {
			if err != nil {
				return 0
			}
			n++
		}
	}
	return n
}

// copied says what was done, and whether the stores are equal.
func (c *call) copied(j *copying.Job) error {
	only := j.Only.Load() - j.Ended.Load()
	differs := j.Differs.Load() + j.Missing.Load()
	if c.json {
		err := c.printJSON(map[string]any{
			"new": j.New.Load(), "updated": j.Updated.Load(), "same": j.Same.Load(),
			"used_later_in_to": j.Later.Load(), "damaged_in_to": j.Damaged.Load(),
			"equal": j.Equal.Load(), "differ": j.Differs.Load(), "missing": j.Missing.Load(),
			"only_in_to": only, "ended_in_to": j.Ended.Load(), "unreadable_in_from": j.Unreadable.Load(),
		})
		if err != nil {
			return err
		}
	} else {
		c.printCopied(j, differs, only)
	}
	if differs > 0 || only > 0 {
		return errFound
	}
	return nil
}

func (c *call) printCopied(j *copying.Job, differs, only int64) {
	say := func(n int64, what string) {
		if n > 0 {
			fmt.Fprintf(c.stdout, "%9s  %s\n", terminal.Number(int(n)), what)
		}
	}
	say(j.New.Load(), "copied")
	say(j.Updated.Load(), "brought up to date")
	say(j.Same.Load(), "there already")
	say(j.Later.Load(), "used later in TO, and left there as they are")
	say(j.Damaged.Load(), "unreadable in TO, and left there: end them with sesame TO revoke ID, see sesame TO doctor")
	say(j.Ended.Load(), "ended in TO, because they are not in FROM")
	say(j.Equal.Load(), "are equal in both: data, owner and expiry")
	say(differs, "differ, or are missing in TO: they changed while they were copied. Stop the site and run this again")
	say(only, "are in TO only: they ended in FROM, or are another program's. --delete ends them in TO")
	if j.Unreadable.Load() {
		fmt.Fprintln(c.stdout, "FROM has records that it cannot read, which are not copied; sesame FROM doctor says more.")
	}
	if j.Equal.Load()+differs+only == 0 {
		fmt.Fprintln(c.stdout, "No sessions.")
	}
}
