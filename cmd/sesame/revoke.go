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

var revokeCommand = &command{
	name: "revoke", args: "ID… | --before TIME", max: -1, ids: true, short: "end sessions",
	long: `
Ends sessions by their IDs, or all whose last log-in was before a moment, as after
a backup was restored or a secret was exposed. Asks first. Sessions that ended
since are no error, but if none of the IDs is there the exit code is 4. Programs
that run end the session's streams too, where the store tells them.

TIME is "now", a duration ago such as 36h, or a moment such as
2026-11-30T04:00:00Z or "2026-11-30 04:00" by this machine's clock and zone.
Records that cannot be read have no log-in, and stay: end them by their IDs.`,
	flags: func(set *flag.FlagSet, c *call) {
		set.BoolVar(&c.yes, "yes", false, "do not ask")
		set.StringVar(&c.before, "before", "", "end the sessions whose last log-in was before this `TIME`")
	},
	run: revoke,
}

var revokeOwnerCommand = &command{
	name: "revoke-owner", args: "NAME", min: 1, max: 1, short: "end all sessions of a user",
	long: `
Ends all sessions of an owner, also one that is saved at the same time. Asks first.`,
	flags: func(set *flag.FlagSet, c *call) { set.BoolVar(&c.yes, "yes", false, "do not ask") },
	run:   revokeOwner,
}

func revoke(ctx context.Context, c *call) error {
	switch {
	case c.before != "" && len(c.args) > 0:
		return usagef("revoke: give IDs or --before, not both")
	case c.before != "":
		return revokeBefore(ctx, c)
	case len(c.args) == 0:
		return usagef("revoke: say which sessions, by their IDs or by --before")
	}
	keys := make([]store.Key, len(c.args))
	for i, id := range c.args {
		key, err := parseID(id)
		if err != nil {
			return err
		}
		keys[i] = key
	}
	var there []session
	for _, key := range keys {
		s, err := c.find(ctx, key)
		switch {
		case errors.Is(err, errNotThere):
			fmt.Fprintf(c.stderr, "%s is not there any more.\n", key)
		case errors.Is(err, store.ErrCorrupt): // it can be removed all the same
			there = append(there, session{key: key, unread: err})
		case err != nil:
			return err
		default:
			there = append(there, s)
		}
	}
	if len(there) == 0 {
		return errNotThere
	}
	if err := c.ask(ctx, c.question(there, "")); err != nil {
		return err
	}
	ended := 0
	for _, s := range there {
		if err := c.store.Delete(ctx, s.key); err != nil {
			return fmt.Errorf("%s ended; %s: %w", terminal.Count(ended, "session"), s.key, err)
		}
		ended++
	}
	return c.ended(ended)
}

// question names what ends.
func (c *call) question(sessions []session, owner string) string {
	now := time.Now()
	if len(sessions) != 1 {
		const shown = 10
		t := terminal.NewTable(c.stderr, terminal.Width(c.stderr),
			terminal.Column{Title: "ID", Width: 22}, terminal.Column{Title: "OWNER", Rank: 2}, terminal.Column{Title: "USED", Width: 10, Rank: 1})
		for _, s := range sessions[:min(len(sessions), shown)] {
			t.Row(s.id(), s.ownerText(), s.moment(s.used, now))
		}
		if more := len(sessions) - shown; more > 0 {
			fmt.Fprintf(c.stderr, "and %s more\n", terminal.Number(more))
		}
		if owner != "" {
			return fmt.Sprintf("End all %s of %s?", terminal.Count(len(sessions), "session"), terminal.Text(owner))
		}
		return fmt.Sprintf("End these %s?", terminal.Count(len(sessions), "session"))
	}
	s := &sessions[0]
	if s.unread != nil {
		return fmt.Sprintf("End the unreadable session %s of %s?", terminal.ShortID(s.id()), s.ownerText())
	}
	of := "without an owner"
	if s.owner != "" {
		of = "of " + s.ownerText()
	}
	return fmt.Sprintf("End the session %s %s, used %s?", terminal.ShortID(s.id()), of, s.moment(s.used, now))
}

// ended says what was done.
func (c *call) ended(n int) error {
	if c.json {
		return c.printJSON(map[string]int{"ended": n})
	}
	_, err := fmt.Fprintf(c.stdout, "%s ended.\n", terminal.Count(n, "session"))
	return err
}

func revokeOwner(ctx context.Context, c *call) error {
	owner := c.args[0]
	index, ok := store.Capability[store.OwnerIndex](c.store)
	switch {
	case owner == "":
		return usagef("revoke-owner: the name is empty; sessions without an owner end by their IDs")
	case !ok:
		return fmt.Errorf("%s: the store cannot find sessions by their owner", c.engine.Place)
	}
	if !c.yes {
		var all []session
		for s, err := range c.sessions(ctx, owner) {
			if err != nil && !errors.Is(err, store.ErrCorrupt) {
				return err
			}
			if err == nil {
				all = append(all, session{key: s.key, owner: s.owner, used: s.used, unread: s.unread})
			}
		}
		if len(all) == 0 {
			c.owner = owner
			c.summary(0, 0)
			return c.ended(0)
		}
		if err := c.ask(ctx, c.question(all, owner)); err != nil {
			return err
		}
	}
	n, err := index.DeleteOwned(ctx, owner)
	if err != nil {
		return fmt.Errorf("%s ended, but not all: %w; try again", terminal.Count(n, "session"), err)
	}
	return c.ended(n)
}

// revokeBefore ends the sessions whose last log-in was before a moment.
func revokeBefore(ctx context.Context, c *call) error {
	moment, err := parseMoment(c.before, time.Now())
	if err != nil {
		return err
	}
	older := func(s *session) bool { return s.unread == nil && s.renewed.Before(moment) }
	if !c.yes {
		all, some := 0, 0
		for s, err := range c.sessions(ctx, "") {
			if err != nil && !errors.Is(err, store.ErrCorrupt) {
				return err
			}
			if err == nil {
				all++
			}
			if err == nil && older(&s) {
				some++
			}
		}
		if some == 0 {
			fmt.Fprintf(c.stderr, "Of %s none is that old.\n", terminal.Count(all, "session"))
			return c.ended(0)
		}
		question := fmt.Sprintf("End %s of %s, those whose last log-in was before %s?", terminal.Number(some),
			terminal.Count(all, "session"), terminal.Exact(moment))
		if err := c.ask(ctx, question); err != nil {
			return err
		}
	}
	ended, unread := 0, 0
	progress := terminal.NewProgress(c.stderr, "ended", 0)
	err = func() error {
		defer progress.Close()
		for s, err := range c.sessions(ctx, "") {
			if err != nil {
				return err
			}
			if s.unread != nil {
				unread++
			}
			if !older(&s) {
				continue
			}
			if err := c.store.Delete(ctx, s.key); err != nil {
				return err
			}
			ended++
			progress.Add()
		}
		return nil
	}()
	if unread > 0 || errors.Is(err, store.ErrCorrupt) {
		fmt.Fprintln(c.stderr, "Records that cannot be read have stayed; sesame … doctor lists them.")
	}
	if err != nil && !errors.Is(err, store.ErrCorrupt) {
		return fmt.Errorf("%s ended, but not all: %w; try again", terminal.Count(ended, "session"), err)
	}
	return c.ended(ended)
}

// parseMoment reads a time in the past.
func parseMoment(text string, now time.Time) (time.Time, error) {
	if text == "now" {
		return now, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			if t.After(now) {
				return t, usagef("--before %s: that is in the future, and would end sessions that are yet to begin; say now", terminal.Text(text))
			}
			return t, nil
		}
	}
	return time.Time{}, usagef("--before %s: say now, a duration such as 36h, or a moment such as %s", terminal.Text(text), now.Add(-time.Hour).Format(time.RFC3339))
}
