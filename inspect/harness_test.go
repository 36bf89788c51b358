package inspect_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/inspect"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// Session is a user's.
type Session struct {
	User string
	CSRF string `sesame:"secret"`
	Cart map[string]int
	Note string
}

func (s Session) Owner() string { return s.User }

const secret = "kept-from-operators"

var quiet = sesame.WithLogger(slog.New(slog.DiscardHandler))

func everyone(*http.Request) bool { return true }

// newPage returns a manager and its page, mounted below /inspect/.
func newPage(t *testing.T, opts ...sesame.Option) (*sesame.Manager[Session], http.Handler) {
	t.Helper()
	m := sesame.New[Session](append([]sesame.Option{quiet}, opts...)...)
	mux := http.NewServeMux()
	mux.Handle("/inspect/", inspect.Handler(m, inspect.Allow(everyone)))
	return m, mux
}

// login stores a session and returns its ID and its token.
func login(t *testing.T, m *sesame.Manager[Session], s Session) (id, token string) {
	t.Helper()
	token = sesametest.Cookie(t, m, s).Value
	id, _, _ = strings.Cut(token, ".")
	return id, token
}

// get asks for a page as a browser does, path below /inspect/.
func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := ask(h, http.MethodGet, "/inspect/"+path, nil, map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"})
	return w.Code, w.Body.String()
}

// post sends a form of the page.
func post(t *testing.T, h http.Handler, path string, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	return ask(h, http.MethodPost, "/inspect/"+path, form, map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "https://shop.example"})
}

func ask(h http.Handler, method, path string, form url.Values, header map[string]string) *httptest.ResponseRecorder {
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, "https://shop.example"+path, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func lives(t *testing.T, m *sesame.Manager[Session], id string) bool {
	t.Helper()
	_, err := m.Find(t.Context(), id)
	if err != nil {
		require.ErrorIs(t, err, sesame.ErrNotFound)
	}
	return err == nil
}

var errDown = errors.New("dial tcp 10.0.3.7:6379: connection refused <script>alert(1)</script>")

// shaky is a store that can be down, and counts what is read of it.
type shaky struct {
	*memstore.Store
	down, hangs  atomic.Bool
	reads, lists atomic.Int64
}

func newShaky() *shaky { return &shaky{Store: memstore.New()} }

func (s *shaky) fail(ctx context.Context) error {
	if s.hangs.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	if s.down.Load() {
		return errDown
	}
	return nil
}

func (s *shaky) Load(ctx context.Context, k store.Key) (store.Record, error) {
	s.reads.Add(1)
	if err := s.fail(ctx); err != nil {
		return store.Record{}, err
	}
	return s.Store.Load(ctx, k)
}

func (s *shaky) Delete(ctx context.Context, k store.Key) error {
	if err := s.fail(ctx); err != nil {
		return err
	}
	return s.Store.Delete(ctx, k)
}

func (s *shaky) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	if err := s.fail(ctx); err != nil {
		return 0, err
	}
	return s.Store.DeleteOwned(ctx, owner, keep...)
}

func (s *shaky) Count(ctx context.Context) (int, error) {
	if err := s.fail(ctx); err != nil {
		return 0, err
	}
	return s.Store.Count(ctx)
}

func (s *shaky) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return s.walk(ctx, s.Store.All(ctx))
}

func (s *shaky) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	return s.walk(ctx, s.Store.Owned(ctx, owner))
}

func (s *shaky) walk(ctx context.Context, all iter.Seq2[store.Entry, error]) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		if err := s.fail(ctx); err != nil {
			yield(store.Entry{}, err)
			return
		}
		for e, err := range all {
			s.lists.Add(1)
			if !yield(e, err) {
				return
			}
		}
	}
}
