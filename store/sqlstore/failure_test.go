package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"iter"
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
		"42P01": noTable, "23505": taken, "42P07": taken, "40001": undone, "40P01": undone, "57P01": broken, "42501": other, "": other,
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
		"Error 1927 (70100): Connection was killed":        broken,
		"1213 (40001): no error of the driver":             broken,
		"Error 12130":                                      other,
		"invalid connection":                               broken,
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
	queryLoad  = "query SELECT id, ver, exp, slot, owner, data, crc FROM sesame WHERE id = $1"
)

// TestRepeats requires that what the database gives up is repeated, and that
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

// TestTaken requires that an ID in use is a conflict and no failure.
func TestTaken(t *testing.T) {
	f := &fake{}
	f.fail = func(what string) error {
		if strings.HasPrefix(what, "exec INSERT") {
			return pgError("23505")
		}
		return nil
	}
	s := New(openFake(t, f), PostgreSQL())
	defer s.Close()
	_, err := s.Save(t.Context(), store.Key{1}, store.Record{})
	require.ErrorIs(t, err, store.ErrConflict)
}

// dead returns a store whose pool has idle connections, and kills these: each
// fails with err when it is used next, also when it is pinged.
func dead(t *testing.T, idle int, err error, opts ...Option) (*Store, *fake) {
	f := &fake{}
	db := openFake(t, f)
	db.SetMaxIdleConns(idle)
	s := New(db, PostgreSQL(), opts...)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	var conns []*sql.Conn
	for range idle {
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		conns = append(conns, conn)
	}
	for _, conn := range conns {
		require.NoError(t, conn.Close())
	}
	_, loaded := s.Load(t.Context(), store.Key{}) // prepares the statements
	require.ErrorIs(t, loaded, store.ErrNotFound)
	require.Equal(t, idle, f.count("connect"))
	f.kill(err)
	return s, f
}

// TestDeadConnections restarts the server under a pool: every read finds its
// way to a connection that works, however many are dead. A write does not,
// since it may have had its effect.
func TestDeadConnections(t *testing.T) {
	for name, err := range map[string]error{
		"the server said so": pgError("57P01"), "the network": io.ErrUnexpectedEOF,
	} {
		for _, opts := range [][]Option{nil, {WithoutPrepare()}} {
			for what, read := range map[string]func(s *Store) error{
				"load": func(s *Store) error {
					_, err := s.Load(t.Context(), store.Key{})
					return err
				},
				"all":   func(s *Store) error { return last(s.All(t.Context())) },
				"owned": func(s *Store) error { return last(s.Owned(t.Context(), "ann")) },
				"ping":  func(s *Store) error { return s.Ping(t.Context()) },
			} {
				s, f := dead(t, 5, err, opts...)
				if err := read(s); !errors.Is(err, store.ErrNotFound) {
					require.NoError(t, err, "%s: %s", name, what)
				}
				assert.Equal(t, 5, f.count("disconnect"), "all that were dead")
				assert.Equal(t, 6, f.count("connect"))
			}
			s, f := dead(t, 5, err, opts...)
			require.ErrorIs(t, s.Delete(t.Context(), store.Key{}), err)
			assert.Equal(t, 1, f.count("disconnect"), "%s: a write was repeated", name)
		}
	}
}

// TestReadOnce requires that what the database itself answers is not asked
// again, nor anything after the context has ended.
func TestReadOnce(t *testing.T) {
	f := &fake{}
	s := New(openFake(t, f), PostgreSQL())
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	fail := error(pgError("42501"))
	f.fail = func(what string) error {
		if what != queryLoad {
			return nil
		}
		return fail
	}
	_, err := s.Load(ctx, store.Key{})
	require.ErrorIs(t, err, pgError("42501"))
	require.Equal(t, 1, f.count(queryLoad))

	f.fail = func(what string) error {
		if what != queryLoad {
			return nil
		}
		cancel()
		return io.ErrUnexpectedEOF
	}
	_, err = s.Load(ctx, store.Key{})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 2, f.count(queryLoad))
}

// TestReadTwice requires that there is one repetition and no more.
func TestReadTwice(t *testing.T) {
	f := &fake{}
	s := New(openFake(t, f), PostgreSQL())
	defer s.Close()
	f.fail = func(what string) error {
		if what != queryLoad {
			return nil
		}
		return io.ErrUnexpectedEOF
	}
	_, err := s.Load(t.Context(), store.Key{})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, 2, f.count(queryLoad))
}

// last walks to the end and returns the last error.
func last[T any](walk iter.Seq2[T, error]) (last error) {
	for _, err := range walk {
		last = err
	}
	return last
}
