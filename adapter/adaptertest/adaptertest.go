// Package adaptertest checks that an adapter keeps what sesame promises: it
// serves a handful of handlers by the adapter's framework, over HTTP, and looks at
// what the clients get and what the store has. Sessions travel in cookies, and
// once more in a header field.
//
//	func TestAdapter(t *testing.T) {
//		adaptertest.Run(t, adaptertest.Framework{Serve: serve})
//	}
//
// What only one framework has, such as groups of routes or a central error
// handler, its adapter tests by itself.
package adaptertest

import (
	"context"
	"log/slog"
	"net/http"
	"testing"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/adapter"
)

// Framework is the adapter under test with its framework.
type Framework struct {
	// Serve serves h with the sessions of the managers, the first of them
	// outermost, and returns the server's URL. It stops when the test ends. Panics
	// must not end the process: install the framework's recovery, outside of the
	// adapter.
	Serve func(t *testing.T, h Handler, managers ...adapter.Manager) (url string)

	// Request makes a request that reaches the handler with the given path, which
	// begins with a slash. If it is nil, that is a GET of url + path.
	Request func(t *testing.T, url, path string) *http.Request

	// Streams says that the adapter lets a handler begin its response before it
	// returns: Serve then calls [Answer].Then after it has sent the header.
	Streams bool

	// Binds says that the adapter stands on the manager's Handler, and so answers
	// the addresses of sesame.WithDeviceBinding, for which there is no route.
	Binds bool
}

// Handler is what the framework's handler calls. The context is the one with
// which users of the framework call the manager's methods.
type Handler func(ctx context.Context, path string) Answer

// Answer is what the framework's handler answers, in the framework's own way.
type Answer struct {
	Status   int         // 200, 303, 404 or 500
	Header   http.Header // what the handler sets, in canonical form
	Location string      // with 303; a framework without redirects ignores both
	Body     string
	Then     func() // what the handler does when the response has begun, nil for nothing
}

// Session is what the suite's sessions are.
type Session struct {
	User  string
	Times int      `sesame:"sum"`
	Flash []string `sesame:"items"`
}

// Owner implements the interface that [sesame.New] documents.
func (s *Session) Owner() string { return s.User }

// Run runs the suite.
func Run(t *testing.T, f Framework) {
	if f.Request == nil {
		f.Request = get
	}
	for _, carrier := range []struct {
		name    string
		options []sesame.Option
	}{
		{"cookie", nil},
		{"header", []sesame.Option{sesame.WithHeader("X-Session")}},
	} {
		t.Run(carrier.name, func(t *testing.T) {
			for _, c := range cases {
				if c.streams && !f.Streams {
					continue // there is no such moment
				}
				t.Run(c.name, func(t *testing.T) { c.run(newSite(t, f, carrier.options)) })
			}
		})
	}
	if f.Binds {
		t.Run("device", func(t *testing.T) { device(newSite(t, f, nil)) })
	}
}

func get(t *testing.T, url, path string) *http.Request {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// site is what a case works with.
type site struct {
	*testing.T
	framework Framework
	carrier   []sesame.Option
	store     *faulty
	sessions  *sesame.Manager[Session]
	events    events
}

func newSite(t *testing.T, f Framework, carrier []sesame.Option) *site {
	s := &site{T: t, framework: f, carrier: carrier, store: newStore()}
	s.sessions = s.manager()
	return s
}

// manager returns another manager on the same store.
func (s *site) manager(options ...sesame.Option) *sesame.Manager[Session] {
	options = append([]sesame.Option{
		sesame.WithStore(s.store), sesame.WithObserver(s.events.observe), sesame.WithLogger(slog.New(slog.DiscardHandler)),
	}, options...)
	return sesame.New[Session](append(s.carrier, options...)...)
}

// serve serves one handler for each path, and returns a client without a token.
func (s *site) serve(handlers map[string]func(ctx context.Context) Answer) *client {
	s.Helper()
	url := s.framework.Serve(s.T, s.dispatch(handlers), s.sessions)
	return &client{site: s, url: url, tokens: map[string]string{}}
}

func (s *site) dispatch(handlers map[string]func(ctx context.Context) Answer) Handler {
	return func(ctx context.Context, path string) Answer {
		h, ok := handlers[path]
		if !ok {
			s.Errorf("the handler was called with the path %q, which was not asked for", path)
			return Answer{Status: http.StatusInternalServerError}
		}
		return h(ctx)
	}
}

// stored returns the one session in the store.
func (s *site) stored() sesame.Entry[Session] {
	s.Helper()
	var found []sesame.Entry[Session]
	for e, err := range s.sessions.All(s.Context()) {
		if err != nil {
			s.Fatal(err)
		}
		found = append(found, e)
	}
	if len(found) != 1 {
		s.Fatalf("the store has %d sessions, want 1", len(found))
	}
	return found[0]
}

// empty demands that nothing is stored.
func (s *site) empty(why string) {
	s.Helper()
	if n, err := s.sessions.Count(s.Context()); err != nil || n != 0 {
		s.Errorf("the store has %d sessions (error: %v), want none: %s", n, err, why)
	}
}
