package killtest

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// run kills a store until the ledger finds an error, at most a hundred times.
func run(t *testing.T, s Store) (*Ledger, error) {
	var l Ledger
	for l.More(100) {
		if err := l.KillServer(t.Context(), s, 2*time.Millisecond, func() {}); err != nil {
			return &l, err
		}
		if err := l.Check(t.Context(), s); err != nil {
			return &l, err
		}
	}
	return &l, nil
}

func TestMemstore(t *testing.T) {
	l, err := run(t, memstore.New())
	require.NoError(t, err)
	for _, what := range []string{"save", "renew", "touch", "delete", "revoke"} {
		require.NotZero(t, l.answered[what], what)
	}
	require.NotZero(t, l.kept)
	t.Log(l.Report("memstore"))
}

// A faulty store loses acknowledged changes in one way.
type faulty struct {
	*memstore.Store
	save        func(r store.Record) bool // reports whether a save is lost
	change      func(r *store.Record)     // damages a record
	deletes     bool                      // deletions are lost
	owned       bool                      // the index misses sessions
	deleteOwned bool                      // a revocation misses sessions
}

func (f faulty) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if f.save != nil && r.Version != 0 && f.save(r) {
		return r.Version, nil
	}
	if f.change != nil {
		f.change(&r)
	}
	return f.Store.Save(ctx, k, r)
}

func (f faulty) Delete(ctx context.Context, k store.Key) error {
	if f.deletes {
		return nil
	}
	return f.Store.Delete(ctx, k)
}

func (f faulty) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	if f.owned {
		return func(func(store.Entry, error) bool) {}
	}
	return f.Store.Owned(ctx, owner)
}

func (f faulty) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	if f.deleteOwned {
		return 0, nil
	}
	return f.Store.DeleteOwned(ctx, owner, keep...)
}

// TestFinds checks that the ledger finds each fault, and what it reports.
func TestFinds(t *testing.T) {
	for name, c := range map[string]struct {
		faulty
		want string
	}{
		"a save is lost":      {faulty{save: func(r store.Record) bool { return !r.Durable }}, "want {value:"},
		"a renewal is lost":   {faulty{save: func(r store.Record) bool { return r.Durable }}, "want {value:"},
		"a log-out is lost":   {faulty{deletes: true}, "want {value: owner:}"},
		"an owner is lost":    {faulty{change: func(r *store.Record) { r.Owner = "" }}, "owner:}, want"},
		"a session is torn":   {faulty{change: func(r *store.Record) { r.Data = r.Data[:len(r.Data)-1] }}, "it is torn"},
		"a revocation misses": {faulty{deleteOwned: true}, "want {value: owner:}"},
		"the index misses":    {faulty{owned: true}, "the index has the sessions map[], want map["},
	} {
		t.Run(name, func(t *testing.T) {
			c.Store = memstore.New()
			_, err := run(t, c.faulty)
			require.ErrorContains(t, err, c.want)
		})
	}
}

// TestWrongAnswer checks that Work returns an error for a wrong answer, and none for
// an outage.
func TestWrongAnswer(t *testing.T) {
	for err, wrong := range map[error]bool{store.ErrConflict: true, store.ErrCorrupt: true, errors.New("an outage"): false} {
		var l Ledger
		got := l.KillServer(t.Context(), refusing{memstore.New(), err}, time.Millisecond, func() {})
		if wrong {
			require.ErrorIs(t, got, err)
		} else {
			require.NoError(t, got)
			require.Equal(t, workers, l.unanswered)
			require.Zero(t, l.Answered())
		}
	}
}

// refusing is a store whose saves and deletions all fail.
type refusing struct {
	*memstore.Store
	err error
}

func (f refusing) Save(context.Context, store.Key, store.Record) (uint64, error) { return 0, f.err }
func (f refusing) DeleteOwned(context.Context, string, ...store.Key) (int, error) {
	return 0, f.err
}
