package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A failure is what an error of the database means to the store.
type failure int

const (
	other   failure = iota
	noTable         // the table is missing
	taken           // there is a row, or table, of that name
	undone          // the database gave the statement up in favour of another; it changed nothing
	broken          // the connection has failed; what became of the statement is unknown
)

// coded returns a function that finds the meaning of an error by the database's
// own code. Package sqlstore knows no drivers, so it looks for what they have
// in common: a method SQLState, as those for PostgreSQL have, or else the text
// of the error, which in go-sql-driver/mysql is "Error 1213 (40001): …". An
// error without a code is not the database's: the connection has failed.
func coded(failures map[string]failure) func(error) failure {
	return func(err error) failure {
		var state interface{ SQLState() string }
		if errors.As(err, &state) {
			return failures[state.SQLState()]
		}
		for inner := err; inner != nil; inner = errors.Unwrap(inner) {
			err = inner
		}
		text, found := strings.CutPrefix(err.Error(), "Error ")
		if !found {
			return broken
		}
		code, _, _ := strings.Cut(text, " ")
		return failures[strings.TrimSuffix(code, ":")]
	}
}

const (
	maxTries = 20
	maxPause = 64 * time.Millisecond
)

// repeat calls try, and calls it again after a random pause as long as the database
// aborts it in favour of other transactions: to end a deadlock, or because its
// isolation level is stricter than the store needs.
func (s *Store) repeat(ctx context.Context, try func() error, also ...failure) error {
	for n := 1; ; n++ {
		err := try()
		if err == nil {
			return nil
		}
		if f := s.dialect.failure(err); f != undone && !slices.Contains(also, f) {
			return err
		}
		if n == maxTries {
			return fmt.Errorf("%w (tried %d times)", err, n)
		}
		select {
		case <-time.After(rand.N(min(time.Millisecond<<n, maxPause))):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
