package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sesame-go/sesame/cmd/sesame/internal/terminal"
	"github.com/sesame-go/sesame/cmd/sesame/internal/tree"
	"github.com/sesame-go/sesame/store"
)

var showCommand = &command{
	name: "show", args: "ID", min: 1, max: 1, ids: true, short: "show a session and its data",
	long: `
Shows a session and, if it is stored by MsgPack, JSON or CBOR, its data. The tool
does not have the program's struct, so it does not know which fields have the tag
sesame:"secret": it shows them too. The page of package inspect hides them. Never
shown are the token and its hash.`,
	run: show,
}

func show(ctx context.Context, c *call) error {
	key, err := parseID(c.args[0])
	if err != nil {
		return err
	}
	s, err := c.find(ctx, key)
	if err != nil {
		return err
	}
	var data any
	var opaque error
	if s.unread == nil {
		data, opaque = tree.Decode(s.codec, s.payload)
	}
	if c.json {
		r := s.report()
		if opaque != nil {
			r.Unreadable = opaque.Error()
		} else if s.unread == nil {
			r.Data = tree.Plain(data)
		}
		return c.printJSON(r)
	}
	c.head(&s)
	if s.unread == nil {
		err = c.data(data, opaque)
	}
	return err
}

// data prints the data of a session, or why that cannot be done.
func (c *call) data(data any, opaque error) error {
	if opaque != nil {
		_, err := fmt.Fprintf(c.stdout, "\n%s\n", terminal.Lines(opaque.Error()))
		return err
	}
	if _, err := fmt.Fprintln(c.stdout); err != nil {
		return err
	}
	return tree.Write(c.stdout, data, time.Now())
}

// find loads a session.
func (c *call) find(ctx context.Context, key store.Key) (session, error) {
	r, err := c.store.Load(ctx, key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return session{}, fmt.Errorf("%s: %w", key, errNotThere)
	case err != nil:
		return session{}, err
	}
	s := newSession(store.Entry{Key: key, Record: r})
	if s.ended() {
		return session{}, fmt.Errorf("%s: %w", key, errNotThere)
	}
	return s, nil
}

// head prints all of a session but its data.
func (c *call) head(s *session) {
	now := time.Now()
	line := func(name, value string) { fmt.Fprintf(c.stdout, "%-9s %s\n", name, value) }
	at := func(name string, t time.Time) {
		line(name, terminal.Exact(t)+" ("+terminal.Moment(t, now)+")")
	}
	line("session", s.id())
	line("owner", s.ownerText())
	if s.unread != nil {
		at("ends", s.ends)
		line("data", fmt.Sprintf("%s bytes, unreadable: %s; if package sealed has encrypted it, set SESAME_SEALED_KEYS",
			terminal.Number(s.size), terminal.Lines(s.unread.Error())))
		return
	}
	at("created", s.created)
	at("log-in", s.renewed)
	at("used", s.used)
	at("ends", s.ends)
	var notes []string
	if s.idle > 0 {
		notes = append(notes, "idle timeout "+s.idle.String())
	}
	if s.remembered {
		notes = append(notes, "remembered")
	}
	if len(notes) > 0 {
		line("limits", strings.Join(notes, ", "))
	}
	line("data", fmt.Sprintf("%s, %s bytes, version %d", tree.CodecName(s.codec), terminal.Number(len(s.payload)), s.schema))
}

// parseID returns the key of an ID. A token is refused, and not repeated.
func parseID(id string) (store.Key, error) {
	if before, _, found := strings.Cut(id, "."); found {
		if _, err := store.ParseKey(before); err == nil {
			return store.Key{}, usagef("this is a whole token, which is a password: give only its first 22 characters, the ID. " +
				"It is in your shell's history now: end the session")
		}
	}
	key, err := store.ParseKey(id)
	if err != nil {
		return store.Key{}, usagef("%s is not a session's ID, which has 22 characters; sesame … ls lists them", terminal.Text(id))
	}
	return key, nil
}
