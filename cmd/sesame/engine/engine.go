// Package engine opens a store by its address, such as
// redis://localhost:6379/0. It is for cmd/sesame and for programs that are told
// on their command line where sessions are; it imports the drivers of all
// engines. A program that knows its engine opens the store itself, as
// servers.go shows.
package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/sesame-go/sesame/store"
)

// Forms has an example of each address that [Open] takes.
const Forms = `
  log:counter.db                                     a file, for one process
  dir:sessions                                       a directory
  sqlite:counter.sqlite
  postgres://user:password@localhost:5432/database
  mysql://user:password@localhost:3306/database      MariaDB too
  redis://user:password@localhost:6379/0             Valkey too, also one node of a cluster
  nats://user:password@localhost:4222                with JetStream
`

// ErrForm says that an address has none of the [Forms]. It leaves the address
// out, which may have a password.
var ErrForm = errors.New("the address is none of these:" + Forms +
	"(add ?table=NAME, ?prefix=NAME or ?bucket=NAME if the program has changed it)")

// Patience is how long [Open] waits for a server.
const Patience = 5 * time.Second

// An Engine is an open store, and the client that it was made with.
type Engine struct {
	Store store.Store

	// Kind is what the address begins with: log, dir, sqlite, postgres, mysql,
	// redis or nats.
	Kind string

	// Place is the address without user, password and settings.
	Place string

	Path      string                // of log, dir and sqlite
	Named     bool                  // sqlite was given a data source name
	DB        *sql.DB               // of postgres, mysql and sqlite
	Redis     redis.UniversalClient // of redis
	JetStream jetstream.JetStream   // of nats
	Name      string                // of the table, the bucket, or the prefix of all keys
	Monitor   string                // where a NATS server tells its settings, if the address says

	closers []func() error
}

// Close closes the store and its client.
func (e *Engine) Close() error {
	var errs []error
	for i := len(e.closers) - 1; i >= 0; i-- {
		errs = append(errs, e.closers[i]())
	}
	return errors.Join(errs...)
}

func (e *Engine) onClose(f func() error) { e.closers = append(e.closers, f) }

// Open opens the store at an address, one of [Forms], and finds out whether it is
// there. It creates nothing. Stores that report damage write it to log; nil is
// [slog.Default]. Errors never have the password. The caller closes the Engine.
func Open(ctx context.Context, address string, log *slog.Logger) (*Engine, error) {
	return open(ctx, address, opening{log: log})
}

// Create is [Open], but creates the file, directory, table or bucket if it is
// missing.
func Create(ctx context.Context, address string, log *slog.Logger) (*Engine, error) {
	return open(ctx, address, opening{create: true, log: log})
}

// opening is how an engine is to be opened.
type opening struct {
	create bool
	log    *slog.Logger
}

func open(ctx context.Context, address string, o opening) (*Engine, error) {
	kind, at, _ := strings.Cut(address, ":")
	e := &Engine{Kind: kind}
	var err error
	switch openServer, known := servers[kind]; {
	case known:
		err = e.openServer(ctx, address, o, openServer)
	case files[kind] != nil && at != "":
		e.Place = kind + ":" + at
		err = files[kind](ctx, e, at, o)
	default:
		err = ErrForm
	}
	if err != nil {
		_ = e.Close()
		return nil, err
	}
	return e, nil
}

// openServer opens a store on a server.
func (e *Engine) openServer(ctx context.Context, address string, o opening, open opener) error {
	u, err := url.Parse(address)
	// A password that is not escaped may end the host early, and all errors
	// would show the rest of it, those of url.Parse too.
	if err != nil || u.Opaque != "" || u.Host == "" || u.Fragment != "" || strings.Contains(u.EscapedPath()+u.RawQuery, "@") {
		return fmt.Errorf("%s: this is no URL; say %s, and in the password %%40 for @, %%2F for /, "+
			"%%3F for ?, %%23 for # and %%25 for %%", e.Kind, form(e.Kind))
	}
	e.Place = e.Kind + "://" + u.Host + u.Path
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	err = open(ctx, e, u, o)
	if absent := (*absentError)(nil); err == nil || errors.As(err, &absent) {
		return err
	}
	return fmt.Errorf("%s://%s: %w; see that the server runs and that address, user, password and database are right, as in %s",
		e.Kind, u.Host, err, form(e.Kind))
}

// form returns the example that Forms has for a server.
func form(kind string) string {
	_, rest, _ := strings.Cut(Forms, kind+"://")
	return kind + "://" + strings.Fields(rest)[0]
}

// absentError says that the engine is there, and has no sessions' place.
type absentError struct{ text string }

func (e *absentError) Error() string { return e.text }

func absent(format string, args ...any) error { return &absentError{fmt.Sprintf(format, args...)} }

// setting takes a setting of ours out of a URL, before the driver sees it, and
// returns the option for it.
func setting[O any](u *url.URL, name string, option func(string) O, value *string) (opts []O, err error) {
	query := u.Query()
	given := query.Get(name)
	if given == "" {
		return nil, nil
	}
	query.Del(name)
	u.RawQuery = query.Encode()
	*value = given
	defer func() { // options panic, for they are a program's
		if r := recover(); r != nil {
			err = fmt.Errorf("%s=%s: %v", name, given, r)
		}
	}()
	return []O{option(given)}, nil
}
