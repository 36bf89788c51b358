package sesame_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// stage is one run of a scenario.
type stage struct {
	m       *sesame.Manager[duo]
	store   store.Store
	first   store.Key
	mu      sync.Mutex
	events  map[sesame.EventKind]int
	issued  []store.Key
	waiting map[string]chan struct{}
	calls   []string
	errs    []error
	won     int
}

func (st *stage) note(err error) {
	if err != nil && !errors.Is(err, sesame.ErrNotFound) {
		st.mu.Lock()
		st.errs = append(st.errs, err)
		st.mu.Unlock()
	}
}

func (st *stage) atMost(n int) error {
	if live := len(st.live()); live > n {
		return fmt.Errorf("%d live sessions, want at most %d", live, n)
	}
	return nil
}

// survives returns an error if a change is in no session and no event tells of
// its loss. B's request may have come after the renewal of its token: then its
// change is a new visitor's.
func (st *stage) survives(changed func(duo) bool) error {
	for _, s := range st.live() {
		if changed(s) {
			return nil
		}
	}
	if st.events[sesame.Gone] == 0 {
		return errors.New("I3: a change was lost without an event")
	}
	return nil
}

// live returns what the tokens that were handed out are worth.
func (st *stage) live() map[store.Key]duo {
	live := make(map[store.Key]duo)
	for _, k := range append([]store.Key{st.first}, st.issued...) {
		if e, err := st.m.Find(context.Background(), k.String()); err == nil {
			live[k] = e.Data
		}
	}
	return live
}

type who struct{}

func (s *scenario) play(t *testing.T, engine store.Store, pick func(int) int) (result error) {
	synctest.Test(t, func(t *testing.T) {
		st := &stage{events: make(map[sesame.EventKind]int), waiting: make(map[string]chan struct{}), store: engine}
		st.m = sesame.New[duo](sesame.WithStore(gated(engine, st)),
			sesame.WithObserver(func(_ context.Context, e sesame.Event) {
				st.mu.Lock()
				defer st.mu.Unlock()
				st.events[e.Kind]++
			}))
		created := st.request("", "", func(st *stage, ctx context.Context) {
			s := st.m.Get(ctx)
			s.Code, s.User, s.Keys = "once", "ann", map[string]int{"0": 0}
		})
		st.first, st.issued = keyOf(created), nil
		time.Sleep(s.wait)

		done := make(chan struct{}, 2)
		for name, do := range map[string]func(*stage, context.Context){"A": s.a, "B": s.b} {
			go func() {
				defer func() { done <- struct{}{} }()
				st.request(name, created, do)
			}()
		}
		for len(done) < 2 {
			synctest.Wait()
			st.mu.Lock()
			names := slices.Sorted(maps.Keys(st.waiting))
			var turn chan struct{}
			if len(names) > 0 {
				name := names[pick(len(names))]
				turn = st.waiting[name]
				delete(st.waiting, name)
			}
			st.mu.Unlock()
			if turn == nil {
				time.Sleep(time.Millisecond) // they rest before another attempt
				continue
			}
			close(turn)
		}
		<-done
		<-done
		result = errors.Join(append(st.errs, st.check(), s.end(st))...)
	})
	return result
}

// check holds for all scenarios: I1, every record belongs to a token that was
// issued, and I7, which a key that is a hash implies.
func (st *stage) check() error {
	lister, ok := st.store.(store.Lister)
	if !ok {
		return nil
	}
	for e, err := range lister.All(context.Background()) {
		if err != nil {
			return err
		}
		if e.Key != st.first && !slices.Contains(st.issued, e.Key) {
			return errors.New("I1: a session is stored that no client was given")
		}
	}
	return nil
}

// request runs one request and returns the token it was given.
func (st *stage) request(name, token string, do func(*stage, context.Context)) string {
	r := httptest.NewRequest("GET", "https://example.com/", nil)
	if name != "" {
		r = r.WithContext(context.WithValue(r.Context(), who{}, name))
	}
	if token != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-session_id", Value: token})
	}
	w := httptest.NewRecorder()
	st.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { do(st, r.Context()) })).ServeHTTP(w, r)
	st.mu.Lock()
	defer st.mu.Unlock()
	if w.Code != http.StatusOK {
		st.errs = append(st.errs, fmt.Errorf("request %s was answered with %d", name, w.Code))
	}
	for _, c := range w.Result().Cookies() {
		if c.MaxAge >= 0 {
			if slices.Contains(st.issued, keyOf(c.Value)) || c.Value == token {
				st.errs = append(st.errs, errors.New("a token was issued twice"))
			}
			st.issued = append(st.issued, keyOf(c.Value))
			return c.Value
		}
	}
	return ""
}

func lastIndex(calls []string, call string) int {
	for i, c := range slices.Backward(calls) {
		if c == call {
			return i
		}
	}
	return -1
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
			return min(path[depth-1], n-1) // a walk through a store has no fixed order
		})
		for len(path) > 0 && path[len(path)-1]+1 == width[len(path)-1] {
			path, width = path[:len(path)-1], width[:len(width)-1]
		}
		if len(path) == 0 {
			return runs
		}
		path[len(path)-1]++
	}
}

// gate lets one store call through at a time, when the stage says so.
type gate struct {
	store.Store
	st *stage
}

func (g gate) await(ctx context.Context, call string) {
	name, ok := ctx.Value(who{}).(string)
	if !ok {
		return // not one of the two
	}
	turn := make(chan struct{})
	g.st.mu.Lock()
	g.st.waiting[name] = turn
	g.st.mu.Unlock()
	<-turn
	g.st.mu.Lock()
	g.st.calls = append(g.st.calls, name+" "+call)
	g.st.mu.Unlock()
}

func (g gate) Load(ctx context.Context, k store.Key) (store.Record, error) {
	g.await(ctx, "Load")
	return g.Store.Load(ctx, k)
}

func (g gate) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	g.await(ctx, "Save")
	return g.Store.Save(ctx, k, r)
}

func (g gate) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	g.await(ctx, "Touch")
	return g.Store.Touch(ctx, k, expires)
}

func (g gate) Delete(ctx context.Context, k store.Key) error {
	g.await(ctx, "Delete")
	return g.Store.Delete(ctx, k)
}

// gated has the optional interfaces that s has.
func gated(s store.Store, st *stage) store.Store {
	g := gate{s, st}
	switch s.(type) {
	case *memstore.Store:
		return rotatingGate{g}
	case store.Lister:
		return listingGate{g}
	}
	return g
}

type listingGate struct{ gate }

func (g listingGate) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	g.await(ctx, "All")
	return g.Store.(store.Lister).All(ctx)
}

type rotatingGate struct{ gate }

func (g rotatingGate) Rotate(ctx context.Context, from, to store.Key, r store.Record) (uint64, error) {
	g.await(ctx, "Rotate")
	return g.Store.(store.Rotator).Rotate(ctx, from, to, r)
}

func (g rotatingGate) Owned(ctx context.Context, owner string) iter.Seq2[store.Key, error] {
	g.await(ctx, "Owned")
	return g.Store.(store.OwnerIndex).Owned(ctx, owner)
}

func (g rotatingGate) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	g.await(ctx, "DeleteOwned")
	return g.Store.(store.OwnerIndex).DeleteOwned(ctx, owner, keep...)
}

// listing is a store with a list but no owner index and no rotation.
type listing struct{ *memstore.Store }

func (l listing) Rotate()      {}
func (l listing) DeleteOwned() {}
func (l listing) Owned()       {}

// upsert is what most session stores are: the last write wins.
type upsert struct{ *memstore.Store }

func (u upsert) Rotate()      {}
func (u upsert) DeleteOwned() {}
func (u upsert) Owned()       {}

func (u upsert) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	r.Version = 0
	if old, err := u.Store.Load(ctx, k); err == nil {
		r.Version = old.Version
	}
	return u.Store.Save(ctx, k, r)
}

// toucher brings back what it touches.
type toucher struct{ *memstore.Store }

func (u toucher) Rotate()      {}
func (u toucher) DeleteOwned() {}
func (u toucher) Owned()       {}

var ghosts sync.Map

func (u toucher) Load(ctx context.Context, k store.Key) (store.Record, error) {
	r, err := u.Store.Load(ctx, k)
	if err == nil {
		ghosts.Store(k, r)
	}
	return r, err
}

func (u toucher) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	if r, ok := ghosts.Load(k); ok {
		ghost := r.(store.Record)
		ghost.Version, ghost.Expires = 0, expires
		_, _ = u.Save(ctx, k, ghost)
	}
	return u.Store.Touch(ctx, k, expires)
}
