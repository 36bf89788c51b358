package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"

	_ "modernc.org/sqlite"
)

// storeForms has an example of each form that open takes.
const storeForms = `
  sqlite:counter.sqlite
  postgres://user:password@localhost:5432/database
  mysql://user:password@localhost:3306/database      MariaDB too
  redis://user:password@localhost:6379/0             Valkey too
  nats://user:password@localhost:4222                with JetStream
`

var errForm = errors.New("-store: the value is none of these:" + storeForms + "(for memory, files and directories see ./examples/counter)")

// patience is how long the program waits for its store when it starts.
const patience = 5 * time.Second

// open opens the store that a value such as sqlite:counter.sqlite names. It
// stays open until the process ends. Errors leave out the value, which may have
// a password.
func open(where string) (store.Store, error) {
	engine, at, _ := strings.Cut(where, ":")
	switch engine {
	case "sqlite":
		if at == "" {
			return nil, errForm
		}
		return sqlstore.OpenSQLite("sqlite", at)
	case "postgres", "mysql", "redis", "nats":
		return openServer(engine, where)
	}
	return nil, errForm
}

// openServer opens a store on a server, and finds out whether it is there.
func openServer(engine, where string) (store.Store, error) {
	u, err := url.Parse(where)
	// A password that is not escaped may end the host early, and all errors
	// would show the rest of it, those of url.Parse too.
	if err != nil || u.Opaque != "" || u.Host == "" || u.Fragment != "" || strings.Contains(u.EscapedPath()+u.RawQuery, "@") {
		return nil, fmt.Errorf("-store %s: this is no URL; say %s, and in the password %%40 for @, %%2F for /, "+
			"%%3F for ?, %%23 for # and %%25 for %%", engine, form(engine))
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := openers[engine](ctx, u)
	if err != nil {
		return nil, fmt.Errorf("-store %s://%s: %w; see that the server runs and that address, user, password and database are right, as in %s",
			engine, u.Host, err, form(engine))
	}
	return s, nil
}

// form returns the example that storeForms has for an engine.
func form(engine string) string {
	_, rest, _ := strings.Cut(storeForms, engine+"://")
	return engine + "://" + strings.Fields(rest)[0]
}
