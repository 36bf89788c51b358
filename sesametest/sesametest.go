// Package sesametest helps to test handlers that use sesame.
//
// [Cookie] stores a session and returns its cookie, for a request built by hand.
// [Session] returns the session as a handler has left it. [NewClient] starts an
// HTTPS server and returns a client with its own cookie jar, so that cookies are
// sent as in production. [Token] makes tokens for sesame.WithSessions, and
// [OldCookie] stores sessions of older versions.
//
// Test expiry with [testing/synctest]: in its bubble time.Sleep returns without
// waiting, and the sessions of a memstore.Store age.
//
// The package needs only the standard library and sesame.
package sesametest

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/lifecycle"
	"github.com/sesame-go/sesame/internal/token"
)

// Token returns a new random token, which no session has. Use it as a key for
// [sesame.WithSessions], or as the value of a cookie without a session.
func Token() string { return token.New() }

// Cookie stores session as a new session of m and returns the cookie that a
// browser would have for it; pass it to [http.Request.AddCookie]. Cookie fails the
// test if the session cannot be stored, or is the zero T, which is never stored.
//
// For a manager with [sesame.WithHeader] the cookie has the name and the value of
// the header field; set them in the request with [http.Header.Set].
func Cookie[T any](t testing.TB, m *sesame.Manager[T], session T) *http.Cookie {
	t.Helper()
	cookies := serve(m, nil, func(r *http.Request) error {
		s, err := m.Load(r.Context())
		if err != nil {
			return err
		}
		*s = session
		return m.Save(r.Context())
	}, func(err error) { t.Fatalf("sesametest.Cookie: %v", err) })
	if len(cookies) == 0 {
		t.Fatalf("sesametest.Cookie: the zero %T is not stored and has no cookie; set a field, or send no cookie at all", session)
	}
	return cookies[0]
}

// OldCookie stores session as an older version of the program would have, and
// returns its cookie, to test the steps of [sesame.WithUpgrade]. Version is the
// number of the type Old among the versions of T, counted from 1. OldCookie fails
// the test if the manager has no step from this version, or if that step starts
// from another type.
func OldCookie[T, Old any](t testing.TB, m *sesame.Manager[T], version int, session Old) *http.Cookie {
	t.Helper()
	engine, tok, h := lifecycle.EngineOf(m), token.New(), http.Header{}
	serve(m, nil, func(r *http.Request) error {
		return engine.SeedVersion(r.Context(), tok, version, &session)
	}, func(err error) { t.Fatalf("sesametest.OldCookie: %v", err) })
	engine.Carrier.Give(h, tok, 0)
	return carried(m, h)[0]
}

// Session returns the session of a request with the cookie c; ok reports whether
// there is one. Session fails the test if the session cannot be loaded. For a
// manager with [sesame.WithHeader], c is a result of [Cookie], or is made from a
// response:
//
//	c := &http.Cookie{Name: "X-Session", Value: w.Header().Get("X-Session")}
func Session[T any](t testing.TB, m *sesame.Manager[T], c *http.Cookie) (session T, ok bool) {
	t.Helper()
	serve(m, c, func(r *http.Request) error {
		s, err := m.Load(r.Context())
		if err != nil {
			return err
		}
		session, ok = *s, !m.Info(r.Context()).New
		return nil
	}, func(err error) { t.Fatalf("sesametest.Session: %v", err) })
	return session, ok
}

// serve runs f as the handler of one request, and returns the response's tokens in
// the form of cookies.
func serve[T any](m *sesame.Manager[T], c *http.Cookie, f func(*http.Request) error, fail func(error)) []*http.Cookie {
	r := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
	_, inCookie := lifecycle.EngineOf(m).Carrier.Cookie()
	if c != nil && inCookie {
		r.AddCookie(c)
	} else if c != nil {
		r.Header.Set(c.Name, c.Value)
	}
	w := httptest.NewRecorder()
	var err error
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { err = f(r) })).ServeHTTP(w, r)
	if err != nil {
		fail(err)
	}
	return carried(m, w.Header())
}

// carried returns the cookies of a response or, for a manager with a header field,
// that field in the form of a cookie.
func carried[T any](m *sesame.Manager[T], h http.Header) []*http.Cookie {
	engine := lifecycle.EngineOf(m)
	if _, inCookie := engine.Carrier.Cookie(); inCookie {
		return (&http.Response{Header: h}).Cookies()
	}
	if values := h[engine.Carrier.Field()]; len(values) > 0 {
		return []*http.Cookie{{Name: engine.Carrier.Field(), Value: values[0]}}
	}
	return nil
}
