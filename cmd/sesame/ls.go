package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/sesame-go/sesame/cmd/sesame/internal/terminal"
	"github.com/sesame-go/sesame/store"
)

var lsCommand = &command{
	name: "ls", args: "[--owner NAME]", short: "list the live sessions",
	long: `
Lists the live sessions, in no order, as the store yields them: LOG-IN is when the
token was last replaced, at first when the session was created; USED is to a tenth
of the idle timeout; ENDS is when it ends unless it is used. A narrow window leaves
columns out. With --json each line is an object.`,
	flags: func(set *flag.FlagSet, c *call) {
		set.StringVar(&c.owner, "owner", "", "list only the sessions of this `NAME`, by the store's index")
	},
	run: ls,
}

func ls(ctx context.Context, c *call) error {
	now := time.Now()
	var table *terminal.Table // once there is a row
	rows, unread := 0, 0
	var failure error
	for s, err := range c.sessions(ctx, c.owner) {
		if err != nil {
			failure = err
			break
		}
		rows++
		if s.unread != nil {
			unread++
		}
		if c.json {
			err = c.printJSON(s.report())
		} else {
			if table == nil {
				table = c.sessionTable()
			}
			addRow(table, &s, now)
			err = table.Err()
		}
		if err != nil {
			return err
		}
	}
	if !c.json {
		c.summary(rows, unread)
	}
	if errors.Is(failure, store.ErrCorrupt) { // of others than those that are listed
		fmt.Fprintln(c.stderr, "sesame:", terminal.Lines(failure.Error())+"; sesame … doctor says more")
		return nil
	}
	return failure
}

// summary says on stderr how much there was, so that stdout has rows only.
func (c *call) summary(rows, unread int) {
	if rows == 0 && c.owner != "" {
		fmt.Fprintf(c.stderr, "%s has no sessions.\n", terminal.Text(c.owner))
		return
	}
	if rows == 0 {
		fmt.Fprintf(c.stderr, "No sessions in %s. The first visitor whose session is not the zero value appears here.\n", terminal.Text(c.engine.Place))
		return
	}
	fmt.Fprint(c.stderr, terminal.Count(rows, "session"))
	if unread > 0 {
		fmt.Fprintf(c.stderr, ", of which %s cannot be read; sesame … doctor says why", terminal.Number(unread))
	}
	fmt.Fprintln(c.stderr)
}

func (c *call) sessionTable() *terminal.Table {
	return terminal.NewTable(c.stdout, c.window(),
		terminal.Column{Title: "ID", Width: 22},
		terminal.Column{Title: "OWNER", Rank: 1},
		terminal.Column{Title: "LOG-IN", Width: 10, Rank: 4},
		terminal.Column{Title: "USED", Width: 10, Rank: 3},
		terminal.Column{Title: "ENDS", Width: 9, Rank: 2},
		terminal.Column{Title: "BYTES", Width: 7, Rank: 5})
}

func addRow(t *terminal.Table, s *session, now time.Time) {
	t.Row(s.id(), s.ownerText(), s.moment(s.renewed, now), s.moment(s.used, now),
		terminal.Moment(s.ends, now), terminal.Number(s.size))
}
