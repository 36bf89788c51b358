package sesame_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
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

// counter is the session of most tests.
type counter struct{ N int }

// visit sends one request, with the given token if it is not empty, through
// the manager's Handler to f.
func visit[T any](m *sesame.Manager[T], token string, f http.HandlerFunc) *http.Response {
	r := httptest.NewRequest("GET", "https://example.com/", nil)
	if token != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-Http-session_id", Value: token})
	}
	return visitWith(m, r, f)
}

func visitWith[T any](m *sesame.Manager[T], r *http.Request, f http.HandlerFunc) *http.Response {
	w := httptest.NewRecorder()
	m.Handler(f).ServeHTTP(w, r)
	return w.Result()
}

// within runs f with the session of a request.
func within[T any](m *sesame.Manager[T], token string, f func(ctx context.Context, s *T)) *http.Response {
	return visit(m, token, func(w http.ResponseWriter, r *http.Request) { f(r.Context(), m.Get(r.Context())) })
}

// issue makes a new session and returns its token.
func issue[T any](t testing.TB, m *sesame.Manager[T], f func(*T)) string {
	t.Helper()
	token := tokenOf(within(m, "", func(_ context.Context, s *T) { f(s) }))
	require.Len(t, token, 45)
	return token
}

// tokenOf returns the token that a response gives the client, if any.
func tokenOf(res *http.Response) string {
	for _, c := range res.Cookies() {
		if c.MaxAge >= 0 {
			return c.Value
		}
	}
	return ""
}

// response is one whose body has been read.
type response struct {
	*http.Response
	body   string
	broken bool // the body came to no regular end
}

// send sends a request over the network, without following redirects.
func send(ctx context.Context, server *httptest.Server, method, path, token string) (*response, error) {
	r, err := http.NewRequestWithContext(ctx, method, server.URL+path, nil)
	if err != nil {
		return nil, err
	}
	if token != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-Http-session_id", Value: token})
	}
	res, err := server.Client().Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return &response{res, string(body), err != nil}, nil
}

// records returns what is stored: N by key.
func records(t testing.TB, s store.Lister) map[store.Key]int {
	all := make(map[store.Key]int)
	for e, err := range s.All(context.Background()) {
		var c counter
		if err == nil {
			err = codec.MsgPack.Decode(e.Data[envelope.Len:], &c)
		}
		if err != nil {
			t.Error(err)
			return nil
		}
		all[e.Key] = c.N
	}
	return all
}

func values(records map[store.Key]int) []int { return slices.Sorted(maps.Values(records)) }

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// plain has the four methods and a list, which a T with an owner needs.
type plain struct {
	store.Store
	store.Lister
}

func newPlain(s *memstore.Store) store.Store { return plain{s, s} }

// fake is a store of four methods, and a list, that counts its calls and fails
// on demand.
type fake struct {
	store.Store
	mu    sync.Mutex
	calls []string
	fail  func(op string) error                           // nil: never
	load  func(store.Record, error) (store.Record, error) // nil: as it is
}

func newFake() *fake { return &fake{Store: memstore.New()} }

func (f *fake) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return f.Store.(store.Lister).All(ctx)
}

var errDown = errors.New("connection refused")

// down makes the given operations fail, all of them if none is given.
func (f *fake) down(ops ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = func(op string) error {
		if len(ops) == 0 || slices.Contains(ops, op) {
			return errDown
		}
		return nil
	}
}

func (f *fake) up() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail, f.calls = nil, nil
}

func (f *fake) called() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

func (f *fake) call(op string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, op)
	if f.fail == nil {
		return nil
	}
	return f.fail(op)
}

func (f *fake) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if err := f.call("load"); err != nil {
		return store.Record{}, err
	}
	r, err := f.Store.Load(ctx, k)
	if f.load != nil {
		return f.load(r, err)
	}
	return r, err
}

func (f *fake) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if err := f.call("save"); err != nil {
		return 0, err
	}
	return f.Store.Save(ctx, k, r)
}

func (f *fake) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	if err := f.call("touch"); err != nil {
		return err
	}
	return f.Store.Touch(ctx, k, expires)
}

func (f *fake) Delete(ctx context.Context, k store.Key) error {
	if err := f.call("delete"); err != nil {
		return err
	}
	return f.Store.Delete(ctx, k)
}

// keyOf is the documented derivation of a session's key from its token.
func keyOf(tok string) store.Key {
	if !token.Valid(tok) {
		return store.Key{}
	}
	return token.ID(tok)
}

// chosen returns a token that a program could choose.
func chosen(letter string) string {
	half := strings.Repeat(letter, 21) + "A"
	return half + "." + half
}
