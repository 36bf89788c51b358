package lifecycle_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// TestInterleavings does not sample races, it walks them: two requests, A and
// B, on one session, in every order in which their calls of the store can
// happen. Time is fake and each call waits for its turn, so that each run is
// repeatable. What must hold afterwards is in stage.check.
func TestInterleavings(t *testing.T) {
	for _, engine := range []struct {
		name string
		make func() store.Store
	}{
		{"everything", func() store.Store { return memstore.New() }},
		{"four methods", func() store.Store { return struct{ store.Store }{memstore.New()} }},
	} {
		runs, pairs := 0, 0
		t.Run(engine.name, func(t *testing.T) {
			for _, p := range allPairs() {
				if p.revokesOwner() && engine.name == "four methods" {
					continue // it cannot find an owner's sessions
				}
				t.Run(p.name(), func(t *testing.T) {
					pairs++
					n := explore(func(pick func(int) int) {
						require.NoError(t, p.play(t, engine.make(), 0, pick))
					})
					require.Greater(t, n, 1, "the requests never met")
					runs += n
				})
			}
		})
		t.Logf("%s: %d interleavings of %d pairs", engine.name, runs, pairs)
	}
}

// TestInterleavingsWithLostReply walks them once more for each call of the
// store, whose reply is lost: it is carried out, and reported as failed.
func TestInterleavingsWithLostReply(t *testing.T) {
	runs := 0
	for _, p := range allPairs() {
		t.Run(p.name(), func(t *testing.T) {
			for lost := 1; ; lost++ {
				reached := false
				runs += explore(func(pick func(int) int) {
					st := p.stage(memstore.New(), lost)
					require.NoError(t, st.play(t, pick), "the reply of call %d is lost", lost)
					reached = reached || st.calls >= lost
				})
				if !reached {
					break
				}
			}
		})
	}
	t.Logf("%d interleavings with a lost reply", runs)
}

// The walk must find what is wrong with a store, or a manager, that is wrong,
// or it proves nothing. Managers that are wrong are made by a store that
// tampers with what the right one is shown.
func TestInterleavingsFindMistakes(t *testing.T) {
	for name, test := range map[string]struct {
		engine func() store.Store
		pairs  []pair
	}{
		"a store that overwrites": {
			func() store.Store { return upsert{memstore.New()} },
			[]pair{{write, write}, {update, update}, {write, renew}, {write, destroy}, {renew, renew}, {renew, destroy}, {write, revoke}, {update, revokeOwner}},
		},
		"a store that touches into life": {
			func() store.Store { return &toucher{Store: memstore.New(), ghosts: map[store.Key]store.Record{}} },
			[]pair{{touch, destroy}, {touch, revoke}, {touch, revokeOwner}},
		},
		"a manager that does not compare the hash": {
			func() store.Store { return blind{memstore.New(), func(string) bool { return true }} },
			[]pair{{write, late}, {late, renew}},
		},
		"a manager that stores what a dead token authenticated": {
			func() store.Store { return blind{memstore.New(), isReload} },
			[]pair{{write, renew}, {update, renew}},
		},
		"a registration that overwrites": {
			func() store.Store { return upsert{memstore.New()} },
			[]pair{{register, register}, {register, write}, {register, renew}, {register, destroy}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range test.pairs {
				found := 0
				runs := explore(func(pick func(int) int) {
					if p.play(t, test.engine(), 0, pick) != nil {
						found++
					}
				})
				require.Positive(t, found, "%s: nothing is wrong in %d interleavings", p.name(), runs)
			}
		})
	}
}

// Duo is the session that A and B share.
type Duo struct {
	A, B  int
	Count int
	Keys  map[string]int
	User  string
}

// Owned is a Duo on stores that can find an owner's sessions.
type Owned struct{ Duo Duo }

func (o Owned) Owner() string { return o.Duo.User }

// An act is what a request does with the session.
type act struct {
	name string
	do   func(st *stage, ctx context.Context, who string)

	renews, ends, writes bool
	late                 bool // the request comes with the token that was replaced just before
	registers            bool // the request is the browser's own, which binds the session to its device
}

var (
	write = act{name: "write", writes: true, do: func(st *stage, ctx context.Context, who string) {
		s := st.see(ctx, who)
		if s.Keys == nil {
			s.Keys = make(map[string]int)
		}
		s.Keys[who] = 1
		*field(s, who) = 1
	}}
	update = act{name: "update", writes: true, do: func(st *stage, ctx context.Context, who string) {
		err := st.m.Update(ctx, func(s *Duo) error { s.Count++; *field(s, who) = 1; return nil })
		st.note(who, err)
	}}
	renew = act{name: "renew", renews: true, do: func(st *stage, ctx context.Context, who string) {
		s := st.see(ctx, who)
		st.m.Renew(ctx)
		s.User = "ann"
		*field(s, who) = 1
	}}
	destroy = act{name: "destroy", ends: true, do: func(st *stage, ctx context.Context, _ string) { st.m.Destroy(ctx) }}
	revoke  = act{name: "revoke", ends: true, do: func(st *stage, ctx context.Context, who string) {
		st.note(who, st.m.Revoke(ctx, token.ID(st.first).String()))
	}}
	revokeOwner = act{name: "revoke-owner", ends: true, do: func(st *stage, ctx context.Context, who string) {
		_, err := st.m.RevokeOwner(ctx, "ann")
		st.note(who, err)
	}}
	touch = act{name: "touch", do: func(st *stage, ctx context.Context, who string) { st.see(ctx, who) }}
	late  = act{name: "late", late: true, do: func(st *stage, ctx context.Context, who string) {
		s := st.see(ctx, who)
		*field(s, who) = 1
		s.Count = 100
	}}
	register = act{name: "register", registers: true}
)

func field(s *Duo, who string) *int {
	if who == "A" {
		return &s.A
	}
	return &s.B
}

type pair struct{ a, b act }

func (p pair) name() string { return p.a.name + " " + p.b.name }

func (p pair) revokesOwner() bool {
	return p.a.name == revokeOwner.name || p.b.name == revokeOwner.name
}

func (p pair) registers() bool { return p.a.registers || p.b.registers }

// allPairs is each act against each.
func allPairs() (pairs []pair) {
	acts := []act{write, update, renew, destroy, revoke, revokeOwner, touch, late, register}
	for i, a := range acts {
		for _, b := range acts[i:] {
			pairs = append(pairs, pair{a, b})
		}
	}
	return pairs
}

// explore calls play with every sequence of choices there is, depth first, and
// returns how many. pick(n) chooses one of n.
func explore(play func(pick func(n int) int)) int {
	var path, width []int
	for runs := 1; ; runs++ {
		depth := 0
		play(func(n int) int {
			if depth == len(path) {
				path, width = append(path, 0), append(width, n)
			}
			depth++
			return min(path[depth-1], n-1)
		})
		for len(path) > 0 && path[len(path)-1]+1 >= width[len(path)-1] {
			path, width = path[:len(path)-1], width[:len(width)-1]
		}
		if len(path) == 0 {
			return runs
		}
		path[len(path)-1]++
	}
}

// upsert is what most session stores are: the last write wins.
type upsert struct{ *memstore.Store }

func (u upsert) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	r.Version = 0
	if old, err := u.Store.Load(ctx, k); err == nil {
		r.Version = old.Version
	}
	return u.Store.Save(ctx, k, r)
}

// toucher brings back what it touches.
type toucher struct {
	*memstore.Store
	ghosts map[store.Key]store.Record
}

func (u *toucher) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	u.ghosts[k] = store.Record{Expires: r.Expires, Owner: r.Owner, Data: r.Data}
	return u.Store.Save(ctx, k, r)
}

func (u *toucher) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	if _, err := u.Store.Load(ctx, k); err == nil {
		return u.Store.Touch(ctx, k, expires)
	}
	ghost := u.ghosts[k]
	ghost.Expires = expires
	_, err := u.Store.Save(ctx, k, ghost)
	return err
}

// blind shows a request its own hash in the records that it loads, if the call
// is one of those.
type blind struct {
	*memstore.Store
	when func(call string) bool
}

func isReload(call string) bool { return call == "reload" }

func (b blind) Load(ctx context.Context, k store.Key) (store.Record, error) {
	r, err := b.Store.Load(ctx, k)
	v, ok := ctx.Value(who{}).(visitor)
	if err != nil || !ok || !b.when(v.st.call(v.name, "Load")) {
		return r, err
	}
	h, payload, _, err := envelope.Open(r.Data)
	if err != nil {
		return r, fmt.Errorf("tampering: %w", err)
	}
	h.Secret = token.HashOf(v.token)
	r.Data = append(h.Append(nil), payload...)
	return r, nil
}
