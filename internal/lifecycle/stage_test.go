package lifecycle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/dbsc"
	"github.com/sesame-go/sesame/internal/dbsc/dbsctest"
	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
)

// stage is one run of a pair of requests.
type stage struct {
	pair
	m      site
	engine store.Store
	lost   int // the number of the call whose reply is lost, from 1; 0: none

	first    string // the token that A and B share
	offer    string // the challenge that their session's device was asked to sign
	previous string // the one that it has replaced, for late requests

	mu      sync.Mutex
	waiting map[string]chan struct{}
	calls   int
	events  map[sesame.EventKind]int
	sides   map[string]*side
	errs    []error
}

// side is what is known of A or B.
type side struct {
	act
	token  string
	loads  int
	alive  bool // its token admitted it, when it loaded
	stale  bool // it was the token of before
	wrote  []token.Hash
	saves  int
	failed error // what a method returned
	status int
	cookie string // that the response has set
	device dbsctest.Device
}

// site is a manager, whatever its T.
type site interface {
	Handler(http.Handler) http.Handler
	Get(context.Context) *Duo
	Update(context.Context, func(*Duo) error) error
	Renew(context.Context)
	Bind(context.Context)
	Destroy(context.Context)
	Revoke(context.Context, ...string) error
	RevokeOwner(context.Context, string, ...string) (int, error)
	find(store.Key) (Duo, error)
}

type plainSite struct{ *sesame.Manager[Duo] }

func (m plainSite) find(k store.Key) (Duo, error) {
	e, err := m.Find(context.Background(), k.String())
	return e.Data, err
}

type ownedSite struct{ *sesame.Manager[Owned] }

func (m ownedSite) Get(ctx context.Context) *Duo { return &m.Manager.Get(ctx).Duo }

func (m ownedSite) Update(ctx context.Context, fn func(*Duo) error) error {
	return m.Manager.Update(ctx, func(o *Owned) error { return fn(&o.Duo) })
}

func (m ownedSite) find(k store.Key) (Duo, error) {
	e, err := m.Find(context.Background(), k.String())
	return e.Data.Duo, err
}

type who struct{}

// visitor is what a call of the store finds in its context.
type visitor struct {
	name, token string
	st          *stage
}

func (p pair) stage(engine store.Store, lost int) *stage {
	return &stage{
		pair: p, engine: engine, lost: lost, events: make(map[sesame.EventKind]int), waiting: make(map[string]chan struct{}),
		sides: map[string]*side{"A": {act: p.a, device: dbsctest.New()}, "B": {act: p.b, device: dbsctest.New()}},
	}
}

func (p pair) play(t *testing.T, engine store.Store, lost int, pick func(int) int) error {
	return p.stage(engine, lost).play(t, pick)
}

func (st *stage) play(t *testing.T, pick func(int) int) (result error) {
	synctest.Test(t, func(t *testing.T) {
		opts := []sesame.Option{
			sesame.WithStore(st.gated()), sesame.WithLogger(slog.New(slog.DiscardHandler)),
			sesame.WithObserver(func(_ context.Context, e sesame.Event) {
				st.mu.Lock()
				defer st.mu.Unlock()
				st.events[e.Kind]++
			}),
		}
		if st.registers() {
			opts = append(opts, sesame.WithDeviceBinding())
		}
		if _, ok := st.engine.(store.OwnerIndex); ok {
			st.m = ownedSite{sesame.New[Owned](opts...)}
		} else {
			st.m = plainSite{sesame.New[Duo](opts...)}
		}
		st.first = st.request("", "", func(ctx context.Context) {
			s := st.m.Get(ctx)
			s.User, s.Keys = "ann", map[string]int{"0": 0}
		})
		time.Sleep(10 * time.Minute) // a touch is due
		if st.a.late || st.b.late {
			st.previous = st.first
			st.first = st.request("", st.first, func(ctx context.Context) { st.m.Renew(ctx) })
		}
		if st.registers() {
			st.request("", st.first, func(ctx context.Context) { st.m.Bind(ctx) })
		}
		clear(st.events)
		done := make(chan struct{}, 2)
		for name, s := range st.sides {
			s.token = st.first
			if s.late {
				s.token = st.previous
			}
			go func() {
				defer func() { done <- struct{}{} }()
				st.request(name, s.token, func(ctx context.Context) { s.do(st, ctx, name) })
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
				time.Sleep(time.Millisecond) // they pause before another attempt
				continue
			}
			close(turn)
		}
		<-done
		<-done
		st.check()
		result = errors.Join(st.errs...)
	})
	return result
}

// request runs one request and returns the token it was given.
func (st *stage) request(name, tok string, do func(context.Context)) string {
	r := httptest.NewRequest("GET", "https://example.com/", nil)
	if s := st.sides[name]; s != nil && s.registers {
		r = httptest.NewRequest("POST", "https://example.com/session-device/register", nil)
		r.Header.Set(dbsc.HeaderResponse, s.device.Registration(st.offer))
	}
	if name != "" {
		r = r.WithContext(context.WithValue(r.Context(), who{}, visitor{name, tok, st}))
	}
	if tok != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-Http-session_id", Value: tok})
	}
	w := httptest.NewRecorder()
	st.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { do(r.Context()) })).ServeHTTP(w, r)
	if _, challenge := dbsctest.Offer(w.Header()); challenge != "" {
		st.offer = challenge
	}
	var given string
	for _, c := range w.Result().Cookies() {
		if c.MaxAge >= 0 && c.Name == "__Host-Http-session_id" {
			given = c.Value
		}
	}
	if s := st.sides[name]; s != nil {
		st.mu.Lock()
		defer st.mu.Unlock()
		s.status, s.cookie = w.Code, given
	}
	return given
}

// see is Get, which checks what the request is shown.
func (st *stage) see(ctx context.Context, name string) *Duo {
	s, side := st.m.Get(ctx), st.sides[name]
	st.mu.Lock()
	defer st.mu.Unlock()
	if (s.User != "") != side.alive {
		st.fail("I4: %s saw %+v, and its token was good: %t", name, *s, side.alive)
	}
	return s
}

func (st *stage) note(name string, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.sides[name].failed = err
}

func (st *stage) fail(format string, args ...any) {
	st.errs = append(st.errs, fmt.Errorf(format, args...))
}

// call names a call of the store: a side that loads a second time reloads.
func (st *stage) call(name, call string) string {
	st.mu.Lock()
	defer st.mu.Unlock()
	if call == "Load" && st.sides[name].loads > 1 {
		return "reload"
	}
	return call
}

// check judges what is left.
func (st *stage) check() {
	k := token.ID(st.first)
	_, err := st.engine.Load(context.Background(), k)
	lives := err == nil
	var data Duo
	if lives {
		found, err := st.m.find(k)
		if err != nil {
			st.fail("the session cannot be read: %v", err)
		}
		data = found
	}
	ended := false
	for name, s := range st.sides {
		failed := s.status != http.StatusOK || s.failed != nil
		ended = ended || s.ends
		switch {
		case s.registers:
			st.checkDevice(name, s, lives)
		case s.status != 200 && s.status != 409 && s.status != 503:
			st.fail("%s was answered with %d", name, s.status)
		case s.status != 200 && s.cookie != "":
			st.fail("rule 6: %s was refused and sets a cookie", name)
		case s.status != 200 && st.lost == 0 && !s.renews:
			st.fail("%s was refused", name)
		case s.renews && s.status == 200 && s.cookie == "":
			st.fail("rule 6: %s seems to have logged in", name)
		case s.cookie != "" && !slices.Contains(s.wrote, token.HashOf(s.cookie)):
			st.fail("rule 11: %s sets a cookie that its own save has not earned", name)
		case s.stale && !s.renews && (s.saves > 0 || s.cookie != ""):
			st.fail("rule 8: the superseded %s stored something or set a cookie", name)
		case s.name == touch.name && s.saves > 0:
			st.fail("I6: %s saved what it only read", name)
		case s.ends && !failed && lives:
			st.fail("I2: the session lives after %s", s.name)
		case (s.writes || s.renews) && !failed && s.alive && lives && *field(&data, name) != 1 && st.told() == 0:
			st.fail("I3: the change of %s was lost without an event", name)
		}
	}
	if a, b := st.sides["A"], st.sides["B"]; a.name == update.name && b.name == update.name && lives {
		if n := st.succeeded(); data.Count < n || st.lost == 0 && data.Count != n {
			st.fail("I3: %d updates counted to %d", n, data.Count)
		}
	}
	st.checkRecords()
	if !ended {
		st.checkClientKept()
	}
}

// checkDevice: a registration that was accepted is in the record, and one is
// refused only if another request was faster.
func (st *stage) checkDevice(name string, s *side, lives bool) {
	other := st.sides["A"]
	if name == "A" {
		other = st.sides["B"]
	}
	switch {
	case s.status == http.StatusForbidden && st.lost == 0 && !other.ends && !other.renews && (!other.registers || other.status != http.StatusOK):
		st.fail("%s was refused", name)
	case s.status != http.StatusOK && s.status != http.StatusForbidden && (s.status != http.StatusServiceUnavailable || st.lost == 0):
		st.fail("%s was answered with %d", name, s.status)
	case s.status == http.StatusOK && other.registers && other.status == http.StatusOK:
		st.fail("both have bound the session")
	case lives && st.boundTo(s.device) != (s.status == http.StatusOK):
		st.fail("%s was answered with %d, and its device is bound: %t", name, s.status, st.boundTo(s.device))
	}
}

// boundTo reports whether the record has the device's key.
func (st *stage) boundTo(d dbsctest.Device) bool {
	r, err := st.engine.Load(context.Background(), token.ID(st.first))
	if err != nil {
		return false
	}
	h, _, _, err := envelope.Open(r.Data)
	if err != nil || !h.Bound {
		return false
	}
	b, err := dbsc.Parse(h.Device)
	if err != nil {
		return false
	}
	key, _, err := dbsc.VerifyRegistration(d.Registration(""), []string{dbsc.ES256})
	return err == nil && bytes.Equal(key, b.Key)
}

func (st *stage) succeeded() (n int) {
	for _, s := range st.sides {
		if s.failed == nil && s.status == 200 && s.alive {
			n++
		}
	}
	return n
}

// told counts the events that tell of a loss.
func (st *stage) told() int {
	return st.events[sesame.EventGone] + st.events[sesame.EventSuperseded] + st.events[sesame.EventConflict]
}

// checkRecords: every session was given to a client, and none shows a secret.
func (st *stage) checkRecords() {
	lister, ok := st.engine.(store.Lister)
	if !ok {
		return
	}
	given := []string{st.first, st.sides["A"].cookie, st.sides["B"].cookie}
	for e, err := range lister.All(context.Background()) {
		if err != nil {
			st.fail("%v", err)
			return
		}
		h, _, _, err := envelope.Open(e.Data)
		if err != nil {
			st.fail("%v", err)
		}
		ours := func(tok string) bool { return tok != "" && token.ID(tok) == e.Key && token.HashOf(tok).Equal(h.Secret) }
		if !slices.ContainsFunc(given, ours) && st.lost == 0 {
			st.fail("I1: a session is stored that no client was given")
		}
		for _, tok := range given {
			if _, secret, ok := strings.Cut(tok, "."); ok && bytes.Contains(e.Data, []byte(secret)) {
				st.fail("I7: a secret is in the store")
			}
		}
	}
}

// checkClientKept: whatever happened, unless the session was ended some client
// has a token that works (I5, rule 7).
func (st *stage) checkClientKept() {
	for _, tok := range []string{st.first, st.sides["A"].cookie, st.sides["B"].cookie} {
		if tok == "" {
			continue
		}
		rec, err := st.engine.Load(context.Background(), token.ID(tok))
		if err != nil {
			continue
		}
		if h, _, _, err := envelope.Open(rec.Data); err == nil && token.HashOf(tok).Equal(h.Secret) {
			return
		}
	}
	st.fail("I5: no client has a token that works")
}

var errLost = errors.New("the reply is lost")

// gate lets one call through at a time, when the stage says so, and checks who
// writes.
type gate struct {
	store.Store
	st *stage
}

// gated has the optional interfaces that the engine has.
func (st *stage) gated() store.Store {
	g := gate{st.engine, st}
	if lister, ok := st.engine.(store.Lister); ok {
		return indexedGate{g, lister, st.engine.(store.OwnerIndex)}
	}
	return g
}

// await returns the side that calls, nil for the setting of the stage, and
// whether its reply is lost.
func (g gate) await(ctx context.Context) (s *side, lost bool) {
	v, ok := ctx.Value(who{}).(visitor)
	if !ok {
		return nil, false
	}
	turn := make(chan struct{})
	g.st.mu.Lock()
	g.st.waiting[v.name] = turn
	g.st.mu.Unlock()
	<-turn
	g.st.mu.Lock()
	defer g.st.mu.Unlock()
	g.st.calls++
	return g.st.sides[v.name], g.st.calls == g.st.lost
}

func (g gate) Load(ctx context.Context, k store.Key) (store.Record, error) {
	s, lost := g.await(ctx)
	if s != nil {
		g.st.mu.Lock()
		s.loads++
		if r, err := g.Store.Load(context.Background(), k); err == nil && s.loads == 1 {
			h, _, _, _ := envelope.Open(r.Data)
			s.alive = token.HashOf(s.token).Equal(h.Secret)
			s.stale = token.HashOf(s.token).Equal(h.Previous)
		}
		g.st.mu.Unlock()
	}
	r, err := g.Store.Load(ctx, k)
	if lost {
		return store.Record{}, errLost
	}
	return r, err
}

// Save checks that the record belongs to the token of the request that writes
// it, at this very moment.
func (g gate) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	s, lost := g.await(ctx)
	var before token.Hash
	if old, err := g.Store.Load(context.Background(), k); err == nil {
		h, _, _, _ := envelope.Open(old.Data)
		before = h.Secret
	}
	v, err := g.Store.Save(ctx, k, r)
	if s != nil && err == nil {
		g.st.mu.Lock()
		h, _, _, _ := envelope.Open(r.Data)
		if before != (token.Hash{}) && !before.Equal(token.HashOf(s.token)) && !slices.Contains(s.wrote, before) {
			g.st.fail("I4, rule 5: stored what a dead token authenticated")
		}
		if !h.Secret.Equal(before) {
			s.wrote = append(s.wrote, h.Secret)
		}
		s.saves++
		g.st.mu.Unlock()
	}
	if lost {
		return 0, errLost
	}
	return v, err
}

func (g gate) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	_, lost := g.await(ctx)
	err := g.Store.Touch(ctx, k, expires)
	if lost {
		return errLost
	}
	return err
}

func (g gate) Delete(ctx context.Context, k store.Key) error {
	_, lost := g.await(ctx)
	err := g.Store.Delete(ctx, k)
	if lost {
		return errLost
	}
	return err
}

type indexedGate struct {
	gate
	store.Lister
	owners store.OwnerIndex
}

func (g indexedGate) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	g.await(ctx)
	return g.owners.Owned(ctx, owner)
}

func (g indexedGate) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	_, lost := g.await(ctx)
	n, err := g.owners.DeleteOwned(ctx, owner, keep...)
	if lost {
		return n, errLost
	}
	return n, err
}
