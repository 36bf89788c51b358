package sesame_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// idsOf returns the IDs of an owner's sessions.
func idsOf(t testing.TB, m *sesame.Manager[member], owner string) (ids []string) {
	for e, err := range m.OwnedBy(t.Context(), owner) {
		require.NoError(t, err)
		ids = append(ids, e.ID)
	}
	slices.Sort(ids)
	return ids
}

func logInAs(m *sesame.Manager[member], token, user string) string {
	return tokenOf(within(m, token, func(ctx context.Context, s *member) {
		m.Renew(ctx)
		s.User = user
	}))
}

// TestOwnerLimit: the sessions whose log-in is the oldest go, however much they
// are used.
func TestOwnerLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWitness()
		m := sesame.New[member](sesame.WithOwnerLimit(3), w.observer())
		var tokens []string
		for range 3 {
			time.Sleep(time.Second)
			tokens = append(tokens, logInAs(m, "", "ann"))
		}
		bob := logInAs(m, "", "bob")
		require.Zero(t, w.count(sesame.EventRevoked))
		time.Sleep(time.Second)
		within(m, tokens[0], func(_ context.Context, s *member) { s.Visits++ }) // use is no log-in
		time.Sleep(time.Second)
		tokens[1] = logInAs(m, tokens[1], "ann") // a log-in once more is
		time.Sleep(time.Second)
		tokens = append(tokens, logInAs(m, "", "ann"), logInAs(m, "", "ann"))

		var gone []string
		for _, e := range w.all() {
			if e.Kind == sesame.EventRevoked {
				require.Equal(t, "ann", e.Owner)
				gone = append(gone, e.ID)
			}
		}
		require.ElementsMatch(t, []string{keyOf(tokens[0]).String(), keyOf(tokens[2]).String()}, gone)
		require.Len(t, idsOf(t, m, "ann"), 3)
		require.Equal(t, []string{keyOf(bob).String()}, idsOf(t, m, "bob"))
		for i := range 20 { // visitors have no limit
			issue(t, m, func(s *member) { s.Visits = i + 1 })
		}
	})
}

// TestOwnerLimitWithoutRenew: a session that gets its owner by a plain save
// counts too.
func TestOwnerLimitWithoutRenew(t *testing.T) {
	m := sesame.New[member](sesame.WithOwnerLimit(1))
	first := logInAs(m, "", "ann")
	time.Sleep(2 * time.Millisecond)
	second := issue(t, m, func(s *member) { s.Visits = 1 })
	within(m, second, func(_ context.Context, s *member) { s.User = "ann" })
	require.Equal(t, []string{keyOf(second).String()}, idsOf(t, m, "ann"))
	within(m, first, func(_ context.Context, s *member) { require.Zero(t, *s) })
}

// TestOwnerLimitAtOnce: of fifty log-ins at once as many stay as may.
func TestOwnerLimitAtOnce(t *testing.T) {
	for _, limit := range []int{1, 3} {
		for range 5 {
			st := memstore.New()
			managers := []*sesame.Manager[member]{ // as in two processes
				sesame.New[member](sesame.WithOwnerLimit(limit), sesame.WithStore(st)),
				sesame.New[member](sesame.WithOwnerLimit(limit), sesame.WithStore(st)),
			}
			var all sync.WaitGroup
			for i := range 50 {
				all.Go(func() { logInAs(managers[i%2], "", "ann") })
			}
			all.Wait()
			require.Len(t, idsOf(t, managers[0], "ann"), limit)
		}
	}
}

// TestOwnerLimitLogsInAgain: a session that logs in once more while another
// log-in is about to end it stays, and the next one goes.
func TestOwnerLimitLogsInAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := &meddling{Store: memstore.New()}
		w := newWitness()
		m := sesame.New[member](sesame.WithOwnerLimit(2), sesame.WithStore(st), w.observer())
		other := sesame.New[member](sesame.WithOwnerLimit(2), sesame.WithStore(st.Store), w.observer()) // another process
		first := logInAs(m, "", "ann")
		time.Sleep(time.Second)
		second := logInAs(m, "", "ann")
		time.Sleep(time.Second)
		k := keyOf(first)
		st.loaded = func(loaded store.Key) {
			if loaded == k {
				st.loaded = nil
				time.Sleep(time.Second)
				first = logInAs(other, first, "ann")
			}
		}
		third := logInAs(m, "", "ann")
		require.Nil(t, st.loaded, "it came in between")
		want := []string{keyOf(first).String(), keyOf(third).String()}
		slices.Sort(want)
		require.Equal(t, want, idsOf(t, m, "ann"))
		require.Equal(t, 1, w.count(sesame.EventRevoked))
		within(m, first, func(_ context.Context, s *member) { require.Equal(t, "ann", s.User) })
		within(m, second, func(_ context.Context, s *member) { require.Zero(t, *s) })
	})
}

// meddling is a store that calls a function before a Load returns.
type meddling struct {
	*memstore.Store
	loaded func(k store.Key)
}

func (s *meddling) Load(ctx context.Context, k store.Key) (store.Record, error) {
	r, err := s.Store.Load(ctx, k)
	if s.loaded != nil {
		s.loaded(k)
	}
	return r, err
}

// TestOwnerLimitStoreDown: the log-in stands.
func TestOwnerLimitStoreDown(t *testing.T) {
	w := newWitness()
	m := sesame.New[member](sesame.WithOwnerLimit(1), sesame.WithStore(noDelete{memstore.New()}), w.observer(), w.logger())
	logInAs(m, "", "ann")
	time.Sleep(2 * time.Millisecond)
	tok := logInAs(m, "", "ann")
	require.NotEmpty(t, tok)
	require.Equal(t, 1, w.count(sesame.EventStoreError))
	within(m, tok, func(_ context.Context, s *member) { require.Equal(t, "ann", s.User) })
}

type noDelete struct{ *memstore.Store }

func (noDelete) Delete(context.Context, store.Key) error { return errDown }

// TestWrongOwnerLimits: what the limit needs is looked for in New.
func TestWrongOwnerLimits(t *testing.T) {
	for cure, f := range map[string]func(){
		"use 1 or more":     func() { sesame.New[member](sesame.WithOwnerLimit(0)) },
		"no method Owner":   func() { sesame.New[counter](sesame.WithOwnerLimit(1)) },
		"store.OwnerIndex,": func() { sesame.New[member](sesame.WithOwnerLimit(1), sesame.WithStore(newFake())) },
	} {
		func() {
			defer func() { require.Contains(t, fmt.Sprint(recover()), cure) }()
			f()
			t.Error("New accepted it")
		}()
	}
}
