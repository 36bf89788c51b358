package sesame_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// TestPassive: a page that polls does not keep the session alive, in whatever
// order it calls Passive, and what it changes is saved all the same.
func TestPassive(t *testing.T) {
	for name, poll := range map[string]func(m *sesame.Manager[counter], ctx context.Context) error{
		"before Get": func(m *sesame.Manager[counter], ctx context.Context) error {
			m.Passive(ctx)
			m.Get(ctx)
			return nil
		},
		"after Get": func(m *sesame.Manager[counter], ctx context.Context) error {
			m.Info(ctx)
			m.Get(ctx)
			m.Passive(ctx)
			return nil
		},
		"with a change": func(m *sesame.Manager[counter], ctx context.Context) error {
			m.Passive(ctx)
			m.Get(ctx).N++
			return nil
		},
		"with Save": func(m *sesame.Manager[counter], ctx context.Context) error {
			m.Passive(ctx)
			m.Get(ctx).N++
			return m.Save(ctx)
		},
		"with Update": func(m *sesame.Manager[counter], ctx context.Context) error {
			m.Passive(ctx)
			return m.Update(ctx, func(c *counter) error { c.N++; return nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := sesame.New[counter](sesame.WithIdleTimeout(time.Hour))
				token := issue(t, m, func(c *counter) { c.N = 1 })
				id := keyOf(token).String()
				before, err := m.Find(t.Context(), id)
				require.NoError(t, err)
				for range 5 {
					time.Sleep(10 * time.Minute)
					res := within(m, token, func(ctx context.Context, _ *counter) { require.NoError(t, poll(m, ctx)) })
					require.Empty(t, res.Cookies())
				}
				after, err := m.Find(t.Context(), id)
				require.NoError(t, err)
				require.Equal(t, before.Info, after.Info)
				if name != "before Get" && name != "after Get" {
					require.Equal(t, 6, after.Data.N)
				}
				time.Sleep(11 * time.Minute)
				_, err = m.Find(t.Context(), id)
				require.ErrorIs(t, err, sesame.ErrNotFound)
			})
		})
	}
}

// TestPassiveRemembered: the cookie does not move either, until a request that
// is use.
func TestPassiveRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sesame.New[counter]()
		var token string
		token = tokenOf(within(m, "", func(ctx context.Context, c *counter) {
			c.N++
			m.Remember(ctx, 10*time.Hour, 0)
		}))
		time.Sleep(5 * time.Hour)
		require.Empty(t, within(m, token, func(ctx context.Context, _ *counter) { m.Passive(ctx) }).Cookies())
		require.Len(t, within(m, token, func(context.Context, *counter) {}).Cookies(), 1)
		token = tokenOf(within(m, token, func(ctx context.Context, _ *counter) {
			m.Passive(ctx)
			m.Renew(ctx)
		}))
		require.NotEmpty(t, token, "a log-in begins as ever")
	})
}

// bareStore is a store of four methods.
type bareStore struct{ store.Store }

// TestCount: by the engine, by a walk, or not at all.
func TestCount(t *testing.T) {
	full := memstore.New()
	for name, st := range map[string]store.Store{"engine": full, "walk": plain{full, full}} {
		m := sesame.New[counter](sesame.WithStore(st))
		before, err := m.Count(t.Context())
		require.NoError(t, err)
		for range 3 {
			issue(t, m, func(c *counter) { c.N++ })
		}
		n, err := m.Count(t.Context())
		require.NoError(t, err)
		require.Equal(t, 3, n-before, name)
	}
	_, err := sesame.New[counter](sesame.WithStore(bareStore{full})).Count(t.Context())
	require.ErrorIs(t, err, errors.ErrUnsupported)

	_, err = sesame.New[counter](sesame.WithStore(miscounting{full}), newWitness().logger()).Count(t.Context())
	require.ErrorIs(t, err, sesame.ErrStore)
	require.ErrorIs(t, err, errDown)
}

// miscounting cannot count.
type miscounting struct{ store.Store }

func (miscounting) Count(context.Context) (int, error) { return 0, errDown }

// TestPing: by the store's own method, or by a load.
func TestPing(t *testing.T) {
	require.NoError(t, sesame.New[counter]().Ping(t.Context()))
	down := newFake()
	m := sesame.New[counter](sesame.WithStore(down), newWitness().logger())
	require.NoError(t, m.Ping(t.Context()))
	down.down("load")
	require.ErrorIs(t, m.Ping(t.Context()), sesame.ErrStore)

	m = sesame.New[counter](sesame.WithStore(pinging{down.Store, errDown}), newWitness().logger())
	require.ErrorIs(t, m.Ping(t.Context()), errDown)

	// A wrapper may have the method although the store inside lacks it.
	m = sesame.New[counter](sesame.WithStore(pinging{down.Store, errors.ErrUnsupported}), newWitness().logger())
	require.NoError(t, m.Ping(t.Context()))
	m = sesame.New[counter](sesame.WithStore(pinging{down, errors.ErrUnsupported}), newWitness().logger())
	require.ErrorIs(t, m.Ping(t.Context()), errDown)

	m = sesame.New[counter](sesame.WithStore(hanging{newFake()}), sesame.WithStoreTimeout(20*time.Millisecond), newWitness().logger())
	require.ErrorIs(t, m.Ping(t.Context()), sesame.ErrStore)
}

type pinging struct {
	store.Store
	err error
}

func (p pinging) Ping(context.Context) error { return p.err }

// TestPassiveBesideUse: a passive request that changes the session leaves the
// expiry that another request has moved.
func TestPassiveBesideUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sesame.New[counter](sesame.WithIdleTimeout(time.Hour))
		token := issue(t, m, func(c *counter) { c.N = 1 })
		time.Sleep(50 * time.Minute)
		within(m, token, func(ctx context.Context, c *counter) {
			m.Passive(ctx)
			within(m, token, func(context.Context, *counter) {}) // touches
			c.N++
		})
		time.Sleep(30 * time.Minute)
		e, err := m.Find(t.Context(), keyOf(token).String())
		require.NoError(t, err)
		require.Equal(t, 2, e.Data.N)
	})
}
