package sesame_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// TestInterleavings does not sample races, it walks them: two requests, A and
// B, on one session, in every order in which their store calls can happen. Time
// is fake and each call waits for its turn, so that each run is repeatable.
func TestInterleavings(t *testing.T) {
	for kind, newStore := range map[string]func() store.Store{
		"store=rotator": func() store.Store { return memstore.New() },
		"store=plain":   func() store.Store { return struct{ store.Store }{memstore.New()} },
		"store=lister":  func() store.Store { return listing{memstore.New()} },
	} {
		for _, s := range scenarios {
			if kind == "store=plain" && strings.HasSuffix(s.name, "revoke") {
				continue // it cannot find an owner's sessions
			}
			t.Run(kind+"/"+s.name, func(t *testing.T) {
				runs := explore(func(pick func(int) int) {
					require.NoError(t, s.play(t, newStore(), pick))
				})
				require.Greater(t, runs, 1, "the requests never met")
				t.Logf("%d interleavings", runs)
			})
		}
	}
}

// The walk must find what is wrong with a store that is wrong, or it proves
// nothing.
func TestInterleavingsFindBrokenStores(t *testing.T) {
	for _, test := range []struct {
		scenario string
		broken   func() store.Store
	}{
		{"write/write", func() store.Store { return upsert{memstore.New()} }},
		{"update/update", func() store.Store { return upsert{memstore.New()} }},
		{"bump/bump", func() store.Store { return upsert{memstore.New()} }},
		{"pop/pop", func() store.Store { return upsert{memstore.New()} }},
		{"write/destroy", func() store.Store { return upsert{memstore.New()} }},
		{"renew/write", func() store.Store { return upsert{memstore.New()} }},
		{"renew/renew", func() store.Store { return upsert{memstore.New()} }},
		{"renew/destroy", func() store.Store { return upsert{memstore.New()} }},
		{"write/revoke", func() store.Store { return upsert{memstore.New()} }},
		{"touch/destroy", func() store.Store { return toucher{memstore.New()} }},
	} {
		t.Run(test.scenario, func(t *testing.T) {
			i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == test.scenario })
			found := 0
			explore(func(pick func(int) int) {
				if scenarios[i].play(t, test.broken(), pick) != nil {
					found++
				}
			})
			require.Positive(t, found)
		})
	}
}

// duo is the session that A and B share.
type duo struct {
	A, B  int
	Same  string
	Keys  map[string]int
	Inner struct{ A, B int }
	Code  string
	User  string
}

func (d *duo) Owner() string { return d.User }

type scenario struct {
	name string
	wait time.Duration // between the session's creation and the requests
	a, b func(*stage, context.Context)
	// end checks what is left. The stage has checked by then that each live
	// session was issued in a Set-Cookie, and that none was issued twice.
	end func(*stage) error
}

func set(who string) func(*stage, context.Context) {
	return func(st *stage, ctx context.Context) {
		s := st.m.Get(ctx)
		s.Same = who
		if s.Keys == nil {
			s.Keys = make(map[string]int)
		}
		s.Keys[who] = 1
		if who == "A" {
			s.A, s.Inner.A = 1, 1
		} else {
			s.B, s.Inner.B = 1, 1
		}
	}
}

func read(st *stage, ctx context.Context)    { st.m.Get(ctx) }
func destroy(st *stage, ctx context.Context) { st.m.Destroy(ctx) }
func renew(st *stage, ctx context.Context)   { st.m.Renew(ctx) }

func increment(st *stage, ctx context.Context) {
	st.note(st.m.Update(ctx, func(s *duo) error { s.A++; return nil }))
}

// bump is what Update is for: without it one of two may be lost, with an event.
func bump(st *stage, ctx context.Context) { st.m.Get(ctx).A++ }

func pop(st *stage, ctx context.Context) {
	var code string
	st.note(st.m.Update(ctx, func(s *duo) error { code, s.Code = s.Code, ""; return nil }))
	if code != "" {
		st.mu.Lock()
		st.won++
		st.mu.Unlock()
	}
}

func revoke(st *stage, ctx context.Context) {
	_, err := st.m.RevokeOwner(ctx, "ann")
	st.note(err)
}

func dead(st *stage) error {
	if _, ok := st.live()[st.first]; ok {
		return errors.New("I2: the session that was ended lives")
	}
	return nil
}

func one(st *stage) error {
	if n := len(st.live()); n != 1 {
		return fmt.Errorf("%d live sessions, want 1", n)
	}
	return nil
}

func both(st *stage) error {
	for _, s := range st.live() {
		if s.A != 1 || s.B != 1 || s.Inner.A != 1 || s.Inner.B != 1 || s.Keys["A"] != 1 || s.Keys["B"] != 1 {
			return fmt.Errorf("I3: a change was lost: %+v", s)
		}
		if s.Same != "A" && s.Same != "B" {
			return fmt.Errorf("neither won: %+v", s)
		}
	}
	return one(st)
}

var scenarios = []scenario{
	{name: "write/write", a: set("A"), b: set("B"), end: both},
	{name: "write/read", a: set("A"), b: read, wait: 10 * time.Minute, end: func(st *stage) error {
		for _, s := range st.live() {
			if s.A != 1 {
				return errors.New("I3: the slow reader undid the write")
			}
		}
		return one(st)
	}},
	{name: "update/update", a: increment, b: increment, end: func(st *stage) error {
		for _, s := range st.live() {
			if s.A != 2 {
				return fmt.Errorf("I3: counted to %d", s.A)
			}
		}
		return one(st)
	}},
	{name: "bump/bump", a: bump, b: bump, end: func(st *stage) error {
		for _, s := range st.live() {
			if conflicts := st.events[sesame.Conflict]; s.A+conflicts != 2 {
				return fmt.Errorf("I3: counted to %d, and told of %d conflicts", s.A, conflicts)
			}
		}
		return one(st)
	}},
	{name: "pop/pop", a: pop, b: pop, end: func(st *stage) error {
		if st.won != 1 {
			return fmt.Errorf("the code was given out %d times", st.won)
		}
		return one(st)
	}},
	{name: "write/destroy", a: set("A"), b: destroy, end: dead},
	{name: "update/destroy", a: increment, b: destroy, end: dead},
	{name: "touch/destroy", a: read, b: destroy, wait: 10 * time.Minute, end: func(st *stage) error {
		if n := len(st.live()); n != 0 {
			return fmt.Errorf("I2: %d sessions after the log-out", n)
		}
		return nil
	}},
	{name: "destroy/destroy", a: destroy, b: destroy, end: dead},
	{name: "renew/write", a: renew, b: set("B"), end: func(st *stage) error {
		return errors.Join(dead(st), st.atMost(2), st.survives(func(s duo) bool { return s.B == 1 }))
	}},
	{name: "renew/update", a: renew, b: increment, end: func(st *stage) error {
		return errors.Join(dead(st), st.atMost(2), st.survives(func(s duo) bool { return s.A == 1 }))
	}},
	{name: "renew/read", a: renew, b: read, wait: 10 * time.Minute, end: func(st *stage) error {
		return errors.Join(dead(st), one(st))
	}},
	{name: "renew/renew", a: renew, b: renew, end: func(st *stage) error { return errors.Join(dead(st), one(st)) }},
	{name: "renew/destroy", a: renew, b: destroy, end: func(st *stage) error {
		moved := max(lastIndex(st.calls, "A Rotate"), lastIndex(st.calls, "A Save"))
		if i := slices.Index(st.calls, "B Delete"); i >= 0 && i < moved && len(st.live()) > 0 {
			return errors.New("I2: the renewal outlived the log-out that came before it")
		}
		return errors.Join(dead(st), st.atMost(1))
	}},
	{name: "write/revoke", a: set("A"), b: revoke, end: revokedAll},
	{name: "renew/revoke", a: renew, b: revoke, end: revokedAll},
	{name: "destroy/revoke", a: destroy, b: revoke, end: revokedAll},
}

// revokedAll: whatever ann had when she was signed out everywhere is gone,
// under whichever token.
func revokedAll(st *stage) error {
	for _, s := range st.live() {
		if s.User == "ann" {
			return errors.New("I2: a revoked session lives")
		}
	}
	return nil
}
