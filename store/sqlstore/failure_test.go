package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

// A pgError is an error of a driver for PostgreSQL.
type pgError string

func (e pgError) Error() string    { return "ERROR: in some language" }
func (e pgError) SQLState() string { return string(e) }

func TestCoded(t *testing.T) {
	postgresql, mysql := PostgreSQL().failure, MySQL().failure
	for state, want := range map[string]failure{
		"42P01": noTable, "23505": taken, "42P07": taken, "40001": undone, "40P01": undone, "57P01": other, "": other,
	} {
		assert.Equal(t, want, postgresql(fmt.Errorf("wrapped: %w", pgError(state))), state)
	}
	for text, want := range map[string]failure{
		"Error 1146 (42S02): Table 'a.b' doesn't exist":    noTable,
		"Error 1062 (23000): Duplicate entry 'x' for key":  taken,
		"Error 1213 (40001): Deadlock found":               undone,
		"Error 1213: Deadlock found":                       undone,
		"Error 1020 (HY000): Record has changed":           undone,
		"Error 1205 (HY000): Lock wait timeout exceeded":   other,
		"Error 9 (HY000): of another kind: Error 1213 (x)": other,
		"1213 (40001): no error of the driver":             other,
		"Error 12130":                                      other,
		"invalid connection":                               other,
	} {
		assert.Equal(t, want, mysql(errors.New(text)), text)
		assert.Equal(t, want, mysql(fmt.Errorf("Error 1062: %w", errors.New(text))), text)
	}
}

// dispute returns a store on a database that gives up the first n statements of
// some text in favour of others.
func dispute(t *testing.T, n int, text string) (*Store, *fake) {
	f := &fake{}
	f.fail = func(what string) error {
		if what == text && n > 0 {
			n--
			return pgError("40P01")
		}
		return nil
	}
	s := New(openFake(t, f), PostgreSQL())
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s, f
}

const (
	execRemove = "exec DELETE FROM sesame WHERE id = $1"
	queryLoad  = "query SELECT ver, exp, owner, data FROM sesame WHERE id = $1"
)

// TestRepeats sees that what the database gives up is done again, and that
// this has an end.
func TestRepeats(t *testing.T) {
	s, f := dispute(t, 3, execRemove)
	require.NoError(t, s.Delete(t.Context(), store.Key{}))
	assert.Equal(t, 4, f.count(execRemove))

	s, f = dispute(t, 3, queryLoad)
	_, err := s.Load(t.Context(), store.Key{})
	require.ErrorIs(t, err, store.ErrNotFound)
	assert.Equal(t, 4, f.count(queryLoad))

	s, f = dispute(t, 1000, execRemove)
	err = s.Delete(t.Context(), store.Key{})
	require.ErrorIs(t, err, pgError("40P01"))
	require.ErrorContains(t, err, "tried 20 times")
	assert.Equal(t, maxTries, f.count(execRemove))
}

// TestRepeatsNoMore ends the context in between.
func TestRepeatsNoMore(t *testing.T) {
	s, f := dispute(t, 1000, execRemove)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := s.Delete(ctx, store.Key{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Less(t, f.count(execRemove), maxTries)
}

// TestTaken sees that an id in use is a conflict and no failure.
func TestTaken(t *testing.T) {
	f := &fake{}
	f.fail = func(what string) error {
		if strings.HasPrefix(what, "exec UPDATE") {
			return pgError("23505")
		}
		return nil
	}
	s := New(openFake(t, f), PostgreSQL())
	defer s.Close()
	_, err := s.Rotate(t.Context(), store.Key{1}, store.Key{2}, store.Record{Version: 1})
	require.ErrorIs(t, err, store.ErrConflict)
}
