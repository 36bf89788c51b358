package sesame_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

func discard() sesame.Option { return sesame.WithLogger(slog.New(slog.DiscardHandler)) }

// guest is a session without an owner: any store will do.
type guest struct {
	User string
	N    int
}

// eachStore runs f over a store with all optional interfaces and over a wrapper
// that has the four methods only; both count calls.
func eachStore(t *testing.T, f func(t *testing.T, engine *memstore.Store, st *spy, with sesame.Option)) {
	t.Run("four methods", func(t *testing.T) {
		engine := memstore.New()
		st := newSpy(engine)
		f(t, engine, st, sesame.WithStore(st))
	})
	t.Run("everything", func(t *testing.T) {
		engine := memstore.New()
		st := newSpy(engine)
		f(t, engine, st, sesame.WithStore(st.full(engine)))
	})
}

func request(tokens ...string) *http.Request {
	r := httptest.NewRequest("GET", "https://example.com/", nil)
	for _, tok := range tokens {
		r.AddCookie(&http.Cookie{Name: "__Host-Http-session_id", Value: tok})
	}
	return r
}

// withAll is within, for a request with several tokens.
func withAll[T any](m *sesame.Manager[T], tokens []string, f func(ctx context.Context, s *T)) *http.Response {
	return visitWith(m, request(tokens...), func(_ http.ResponseWriter, r *http.Request) { f(r.Context(), m.Get(r.Context())) })
}

// sees checks what a request with the tokens is shown, and that looking sets no
// cookie.
func sees[T any](t *testing.T, m *sesame.Manager[T], want T, tokens ...string) {
	t.Helper()
	res := withAll(m, tokens, func(_ context.Context, s *T) { require.Equal(t, want, *s) })
	require.Equal(t, 200, res.StatusCode)
	require.Empty(t, res.Cookies())
}

// wrongSecret is what a client sends that knows a session's name.
func wrongSecret(tok string) string { return token.Renew(token.ID(tok)) }

func recordOf(t *testing.T, engine store.Store, tok string) store.Record {
	t.Helper()
	r, err := engine.Load(context.Background(), keyOf(tok))
	require.NoError(t, err)
	return r
}

func headerOf(t *testing.T, r store.Record) envelope.Header {
	t.Helper()
	h, _, _, err := envelope.Open(r.Data)
	require.NoError(t, err)
	return h
}

func allRecords(t *testing.T, engine store.Lister) map[store.Key]store.Record {
	all := make(map[store.Key]store.Record)
	for e, err := range engine.All(context.Background()) {
		require.NoError(t, err)
		all[e.Key] = e.Record
	}
	return all
}

// spoilRecord changes a record behind the manager's back.
func spoilRecord(t *testing.T, engine store.Store, tok string, spoil func(*store.Record)) {
	t.Helper()
	r := recordOf(t, engine, tok)
	r.Data = append([]byte(nil), r.Data...)
	spoil(&r)
	_, err := engine.Save(context.Background(), keyOf(tok), r)
	require.NoError(t, err)
}

// noted is JSON that notes what it is given to decode.
type noted struct {
	codec.Codec
	mu      *sync.Mutex
	decoded map[string]int
}

func newNoted() noted { return noted{codec.JSON, new(sync.Mutex), make(map[string]int)} }

func (noted) ID() byte { return 200 }

func (c noted) Decode(data []byte, v any) error {
	c.mu.Lock()
	c.decoded[string(data)]++
	c.mu.Unlock()
	return c.Codec.Decode(data, v)
}

// reset forgets all but that the zero value was decoded, of which Update has a
// copy.
func (c noted) reset() { clear(c.decoded); c.decoded[`{"User":"","N":0}`] = 0 }

// spy is a store of four methods that notes its calls. Before and after may
// answer in the engine's place.
type spy struct {
	store.Store
	before func(op string, k store.Key) error
	after  func(op string, err error) error
	twice  bool // the next save is sent twice, as client libraries may

	mu    sync.Mutex
	calls []call
}

type call struct {
	op     string
	key    store.Key
	record store.Record
}

func newSpy(engine store.Store) *spy { return &spy{Store: engine} }

// full has what engine can do besides, too.
func (s *spy) full(engine *memstore.Store) store.Store {
	return struct {
		*spy
		store.Lister
		store.OwnerIndex
		store.Sweeper
		store.Counter
		store.Watcher
	}{s, engine, engine, engine, engine, engine}
}

func (s *spy) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

func (s *spy) all() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]call(nil), s.calls...)
}

func (s *spy) ops() (ops []string) {
	for _, c := range s.all() {
		ops = append(ops, c.op)
	}
	return ops
}

func (s *spy) during(f func()) []string {
	s.reset()
	f()
	return s.ops()
}

func (s *spy) do(op string, k store.Key, r store.Record, run func() error) error {
	s.mu.Lock()
	s.calls = append(s.calls, call{op, k, r})
	s.mu.Unlock()
	if s.before != nil {
		if err := s.before(op, k); err != nil {
			return err
		}
	}
	err := run()
	if s.after != nil {
		err = s.after(op, err)
	}
	return err
}

func (s *spy) Load(ctx context.Context, k store.Key) (r store.Record, err error) {
	err = s.do("load", k, store.Record{}, func() error { r, err = s.Store.Load(ctx, k); return err })
	return r, err
}

func (s *spy) Save(ctx context.Context, k store.Key, r store.Record) (v uint64, err error) {
	err = s.do("save", k, r, func() error {
		v, err = s.Store.Save(ctx, k, r)
		if s.twice {
			s.twice = false
			v, err = s.Store.Save(ctx, k, r)
		}
		return err
	})
	return v, err
}

func (s *spy) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	return s.do("touch", k, store.Record{}, func() error { return s.Store.Touch(ctx, k, expires) })
}

func (s *spy) Delete(ctx context.Context, k store.Key) error {
	return s.do("delete", k, store.Record{}, func() error { return s.Store.Delete(ctx, k) })
}

var errReset = errors.New("connection reset by peer")

// loses makes the reply of the next save get lost. The save itself is carried
// out; the store then fails until it is back.
func (s *spy) loses(away func() bool) {
	lost := false
	s.before = func(op string, _ store.Key) error {
		if lost && away() {
			return errReset
		}
		return nil
	}
	s.after = func(op string, err error) error {
		if op == "save" && !lost && err == nil {
			lost = true
			return errReset
		}
		return err
	}
}
