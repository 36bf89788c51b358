package sqlstore

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

// words returns what was logged, by the first words.
func words(lines []string) string {
	var all []string
	for _, line := range lines {
		switch {
		case strings.HasSuffix(line, "IS NULL"):
			line = "lock"
		default:
			line, _, _ = strings.Cut(strings.TrimPrefix(line, "exec "), " ")
		}
		all = append(all, line)
	}
	return strings.Join(all, " ")
}

// batch returns a batch of n calls that delete.
func batch(ctx context.Context, n int) []*call {
	calls := make([]*call, n)
	for i := range calls {
		op := func(x exec) (int64, error) { return x(remove, []byte{byte(i)}) }
		calls[i] = &call{ctx: ctx, op: op, done: make(chan struct{})}
	}
	return calls
}

// commit carries out a batch on a fake and returns the errors.
func commit(t *testing.T, f *fake, calls []*call) []error {
	s := New(openFake(t, f), SQLite())
	defer s.Close()
	s.group.commit(slices.Clone(calls))
	errs := make([]error, len(calls))
	for i, c := range calls {
		<-c.done
		errs[i] = c.err
	}
	return errs
}

func TestBatch(t *testing.T) {
	f := &fake{}
	errs := commit(t, f, batch(t.Context(), 3))
	assert.Equal(t, []error{nil, nil, nil}, errs)
	assert.Equal(t, "connect begin lock DELETE DELETE DELETE commit", words(f.log()))
}

// TestBatchFails requires that all fail if the transaction does, and that a
// connection in an unknown state is not used again.
func TestBatchFails(t *testing.T) {
	for _, test := range []struct{ what, log string }{
		{"begin", "connect begin"},
		{"exec DELETE FROM sesame WHERE id IS NULL", "connect begin lock rollback"},
		{"commit", "connect begin lock DELETE DELETE commit disconnect"},
	} {
		f := &fake{}
		f.fail = func(what string) error {
			if what == test.what {
				return errFake
			}
			return nil
		}
		errs := commit(t, f, batch(t.Context(), 2))
		assert.Equal(t, []error{errFake, errFake}, errs, test.what)
		assert.Equal(t, test.log, words(f.log()))
	}
}

// TestOperationFails requires that the others are carried out without the
// operation that the database refuses.
func TestOperationFails(t *testing.T) {
	f := &fake{}
	calls := batch(t.Context(), 3)
	calls[1].op = func(x exec) (int64, error) { return 0, errFake }
	assert.Equal(t, []error{nil, errFake, nil}, commit(t, f, calls))
	assert.Equal(t, "connect begin lock DELETE rollback begin lock DELETE DELETE commit", words(f.log()))
}

func TestRollbackFails(t *testing.T) {
	f := &fake{}
	f.fail = func(what string) error {
		if what == "rollback" {
			return errors.New("there is none")
		}
		return nil
	}
	calls := batch(t.Context(), 2)
	calls[0].op = func(x exec) (int64, error) { return 0, errFake }
	assert.Equal(t, []error{errFake, nil}, commit(t, f, calls))
	assert.Equal(t, "connect begin lock rollback disconnect connect begin lock DELETE commit", words(f.log()))
}

func TestCancelledInBatch(t *testing.T) {
	f := &fake{}
	calls := batch(t.Context(), 3)
	var cancel context.CancelFunc
	calls[1].ctx, cancel = context.WithCancel(t.Context())
	cancel()
	assert.Equal(t, []error{nil, context.Canceled, nil}, commit(t, f, calls))
	assert.Equal(t, "connect begin lock DELETE DELETE commit", words(f.log()))
}

// TestGathers requires that calls which come during a transaction share the
// next, that those whose context has ended are not in it, and that it is bounded.
func TestGathers(t *testing.T) {
	var sizes []int
	entered, proceed := make(chan struct{}), make(chan struct{})
	g := &group{transact: func(batch []*call) (int, error) {
		sizes = append(sizes, len(batch))
		if len(sizes) == 1 {
			close(entered)
			<-proceed
		}
		for _, c := range batch {
			if err := c.run(nil); err != nil {
				return -1, err
			}
		}
		return -1, nil
	}}
	var done atomic.Int32
	op := func(exec) (int64, error) { return 1, nil }
	var wg sync.WaitGroup
	start := func(ctx context.Context, want error) {
		wg.Go(func() {
			_, err := g.do(ctx, op)
			assert.ErrorIs(t, err, want)
			done.Add(1)
		})
	}
	start(t.Context(), nil)
	<-entered
	cancelled, cancel := context.WithCancel(t.Context())
	for i := range maxBatch + 20 {
		if i%2 == 0 {
			start(cancelled, context.Canceled)
		}
		start(t.Context(), nil)
	}
	require.Eventually(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.waiting) == maxBatch+20+(maxBatch+20)/2
	}, 5*time.Second, time.Millisecond)
	cancel()
	require.Eventually(t, func() bool { return done.Load() == (maxBatch+20)/2 }, 5*time.Second, time.Millisecond)
	close(proceed)
	wg.Wait()
	g.close()
	assert.Equal(t, []int{1, maxBatch, 20}, sizes)
	assert.False(t, g.busy)
	_, err := g.do(t.Context(), op)
	assert.ErrorIs(t, err, errClosed)
}

// TestManyWriters requires one statement for each operation, and no
// transaction, where the database lets many write at a time.
func TestManyWriters(t *testing.T) {
	f := &fake{}
	s := New(openFake(t, f), PostgreSQL())
	k := store.Key{1}
	v, err := s.Save(t.Context(), k, store.Record{Expires: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	next, err := s.Save(t.Context(), k, store.Record{Version: v, Expires: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	assert.Equal(t, v+1, next)
	require.NoError(t, s.Delete(t.Context(), k))
	assert.Equal(t, "connect INSERT UPDATE DELETE", words(f.log()))

	f.fail = func(string) error { return errFake }
	err = s.Delete(t.Context(), k)
	require.ErrorIs(t, err, errFake)
	require.EqualError(t, err, "sqlstore: delete: the database is ill")
	require.NoError(t, errors.Unwrap(errors.Unwrap(err)))
	f.fail = nil
	require.NoError(t, s.Close())
	require.EqualError(t, s.Delete(t.Context(), k), "sqlstore: delete: the store is closed")
	_, err = s.Load(t.Context(), k)
	require.EqualError(t, err, "sqlstore: load: the store is closed")
}

// TestNoPermanentGoroutine requires that the group does not run when there is
// nothing to do.
func TestNoPermanentGoroutine(t *testing.T) {
	s := New(openFake(t, &fake{}), SQLite())
	defer s.Close()
	require.NoError(t, s.Delete(t.Context(), store.Key{}))
	s.group.running.Wait()
	assert.False(t, s.group.busy)
}
