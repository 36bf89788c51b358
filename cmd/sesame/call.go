package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"

	"github.com/sesame-go/sesame/cmd/sesame/engine"
	"github.com/sesame-go/sesame/cmd/sesame/internal/terminal"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sealed"
)

// A call is one run of a command.
type call struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	log            *slog.Logger
	skips          atomic.Int64 // records that the store has skipped, and logged

	args   []string
	json   bool
	yes    bool
	all    bool
	delete bool
	owner  string
	before string

	engine *engine.Engine
	store  store.Store // the engine's, unsealed if there are keys
}

// open opens the store of a command.
func (c *call) open(ctx context.Context, address string) (err error) {
	if c.engine, err = engine.Open(ctx, address, c.log); err != nil {
		return err
	}
	c.store, err = unseal(c.engine.Store)
	if err != nil {
		_ = c.engine.Close()
	}
	return err
}

// unseal wraps a store by package sealed if there are keys.
func unseal(s store.Store) (store.Store, error) {
	var keys [][]byte
	for text := range strings.SplitSeq(os.Getenv("SESAME_SEALED_KEYS"), ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, errors.New("SESAME_SEALED_KEYS: a key is not base64; openssl rand -base64 32 prints one")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return s, nil
	}
	wrapped, err := sealed.New(s, keys...)
	if err != nil {
		return nil, fmt.Errorf("SESAME_SEALED_KEYS: %w", err)
	}
	return wrapped, nil
}

// sessions yields the live sessions, of one owner if owner is not empty. Records
// that the store cannot read are not in it; it may yield a [store.ErrCorrupt]
// last that tells of them.
func (c *call) sessions(ctx context.Context, owner string) iter.Seq2[session, error] {
	return func(yield func(session, error) bool) {
		for e, err := range c.entries(ctx, owner) {
			if err != nil {
				yield(session{}, err)
				return
			}
			if s := newSession(e); !s.ended() && !yield(s, nil) {
				return
			}
		}
	}
}

func (c *call) entries(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	if owner != "" {
		if index, ok := store.Capability[store.OwnerIndex](c.store); ok {
			return index.Owned(ctx, owner)
		}
	} else if lister, ok := store.Capability[store.Lister](c.store); ok {
		return lister.All(ctx)
	}
	return func(yield func(store.Entry, error) bool) {
		yield(store.Entry{}, fmt.Errorf("%s: the store cannot list its sessions", c.engine.Place))
	}
}

// ask asks unless --yes was given.
func (c *call) ask(ctx context.Context, question string) error {
	if c.yes {
		return nil
	}
	return terminal.Ask(ctx, c.stdin, c.stderr, question)
}

// window returns the width of the terminal that the output goes to, 0 if it goes
// elsewhere.
func (c *call) window() int { return terminal.Width(c.stdout) }

// printJSON prints a value on one line, without any character that a terminal may
// obey.
func (c *call) printJSON(v any) error {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	var safe strings.Builder
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		switch {
		case strconv.IsPrint(r):
			safe.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&safe, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&safe, `\u%04x`, r)
		}
	}
	_, err := fmt.Fprintln(c.stdout, safe.String())
	return err
}

// textOrBytes returns a text for JSON, and its bytes if the text cannot say them.
func textOrBytes(s string) (text string, raw []byte) {
	if utf8.ValidString(s) {
		return s, nil
	}
	return s, []byte(s)
}

// quiet keeps drivers from writing to stderr what they also return.
func quiet() { redis.SetLogger(silent{}) }

type silent struct{}

// Printf implements the logger of go-redis.
func (silent) Printf(context.Context, string, ...any) {}
