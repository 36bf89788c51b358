package sesame_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// owned is a session with an owner.
type owned struct {
	User string
	N    int
}

func (o *owned) Owner() string { return o.User }

// TestAllSessions runs the methods on all sessions over stores that can do
// more and less.
func TestAllSessions(t *testing.T) {
	for name, test := range map[string]struct {
		wrap          func(*memstore.Store) store.Store
		lists, owners bool
	}{
		"everything": {func(s *memstore.Store) store.Store { return s }, true, true},
		"and a list": {func(s *memstore.Store) store.Store {
			return struct {
				store.Store
				store.Lister
			}{s, s}
		}, true, true},
		"and an index": {func(s *memstore.Store) store.Store {
			return struct {
				store.Store
				store.OwnerIndex
			}{s, s}
		}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := sesame.New[owned](sesame.WithStore(test.wrap(memstore.New())))
			ctx, ids := t.Context(), map[string]string{}
			for _, user := range []string{"ann", "ann2", "bob", ""} {
				token := issue(t, m, func(s *owned) { s.User, s.N = strings.TrimSuffix(user, "2"), 1 })
				ids[user] = keyOf(token).String()
			}
			list := func(entries iter.Seq2[sesame.Entry[owned], error]) (found []string, err error) {
				for e, err := range entries {
					if err != nil {
						return nil, err
					}
					require.Equal(t, e.Data.User, e.Owner)
					found = append(found, e.ID)
				}
				slices.Sort(found)
				return found, nil
			}
			expect := func(ok bool, err error, want []string, got []string) {
				t.Helper()
				if !ok {
					require.ErrorIs(t, err, errors.ErrUnsupported)
					return
				}
				require.NoError(t, err)
				slices.Sort(want)
				require.Equal(t, want, got)
			}
			got, err := list(m.All(ctx))
			expect(test.lists, err, slices.Collect(maps.Values(ids)), got)
			got, err = list(m.OwnedBy(ctx, "ann"))
			expect(test.owners, err, []string{ids["ann"], ids["ann2"]}, got)
			_, err = list(m.OwnedBy(ctx, ""))
			require.ErrorContains(t, err, "owner is empty")

			require.NoError(t, m.UpdateByID(ctx, ids["bob"], func(s *owned) error { s.N++; return nil }))
			require.ErrorIs(t, m.UpdateByID(ctx, ids["bob"], func(s *owned) error { s.N++; return errDown }), errDown)
			e, err := m.Find(ctx, ids["bob"])
			require.NoError(t, err)
			require.Equal(t, owned{"bob", 2}, e.Data)
			require.Equal(t, "bob", e.Owner)

			require.ErrorIs(t, m.Revoke(ctx, ids["bob"], "no id"), sesame.ErrNotFound)
			_, err = m.Find(ctx, ids["bob"])
			require.NoError(t, err, "nothing is revoked if one of them is no ID")
			require.NoError(t, m.Revoke(ctx, ids["bob"], ids["bob"]))
			require.NoError(t, m.Revoke(ctx))
			_, err = m.Find(ctx, ids["bob"])
			require.ErrorIs(t, err, sesame.ErrNotFound)
			require.ErrorIs(t, m.UpdateByID(ctx, ids["bob"], func(*owned) error { panic("gone") }), sesame.ErrNotFound)

			_, err = m.RevokeOwner(ctx, "")
			require.ErrorContains(t, err, "owner is empty")
			n, err := m.RevokeOwner(ctx, "ann", ids["ann"], "")
			if !test.owners {
				require.ErrorIs(t, err, errors.ErrUnsupported)
				return
			}
			require.NoError(t, err)
			require.Equal(t, 1, n)
			got, err = list(m.OwnedBy(ctx, "ann"))
			expect(true, err, []string{ids["ann"]}, got)
			_, err = m.Find(ctx, ids[""])
			require.NoError(t, err, "nobody's sessions are not ann's")
		})
	}
}

// TestUpdateByIDKeepsATouch: a request of the user's that comes in between has
// moved the session's end.
func TestUpdateByIDKeepsATouch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sesame.New[counter](sesame.WithIdleTimeout(time.Hour))
		token := issue(t, m, func(c *counter) { c.N = 5 })
		time.Sleep(55 * time.Minute)
		require.NoError(t, m.UpdateByID(t.Context(), keyOf(token).String(), func(c *counter) error {
			within(m, token, func(context.Context, *counter) {})
			c.N++
			return nil
		}))
		time.Sleep(6 * time.Minute)
		within(m, token, func(_ context.Context, c *counter) { require.Equal(t, 6, c.N) })
	})
}

// paging has no index, and lists what it had when it was asked.
type paging struct {
	store.Store
	between func() // once, before the first is listed
}

func (p *paging) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		var keys []store.Key
		for e := range p.Store.(*memstore.Store).All(ctx) {
			keys = append(keys, e.Key)
		}
		if f := p.between; f != nil {
			p.between = nil
			f()
		}
		for _, k := range keys {
			if r, err := p.Load(ctx, k); err == nil && !yield(store.Entry{Key: k, Record: r}, nil) {
				return
			}
		}
	}
}

func TestRevokeOwnerFindsWhatIsRenewed(t *testing.T) {
	p := &paging{Store: memstore.New()}
	m := sesame.New[owned](sesame.WithStore(p))
	token := issue(t, m, func(o *owned) { o.User = "ann" })
	p.between = func() {
		token = tokenOf(within(m, token, func(ctx context.Context, _ *owned) { m.Renew(ctx) }))
	}
	n, err := m.RevokeOwner(t.Context(), "ann")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = m.Find(t.Context(), keyOf(token).String())
	require.ErrorIs(t, err, sesame.ErrNotFound)
}
