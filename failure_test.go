package sesame_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/memstore"
)

// TestFailedCommit: the error handler answers alone. No byte and no header of
// the handler's own response leaves, no cookie, and what was set outside stays.
func TestFailedCommit(t *testing.T) {
	begin := map[string]func(w http.ResponseWriter, r *http.Request) error{
		"Write": func(w http.ResponseWriter, _ *http.Request) error { _, err := io.WriteString(w, "secret"); return err },
		"Writes": func(w http.ResponseWriter, _ *http.Request) error {
			w.Write([]byte("secret"))
			_, err := w.Write([]byte("secret"))
			return err
		},
		"WriteHeader": func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(201)
			_, err := fmt.Fprint(w, "secret")
			return err
		},
		"Flush":   func(w http.ResponseWriter, _ *http.Request) error { return http.NewResponseController(w).Flush() },
		"Flusher": func(w http.ResponseWriter, _ *http.Request) error { w.(http.Flusher).Flush(); return errDown },
		"ReadFrom": func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.Copy(w, io.LimitReader(strings.NewReader("secret"), 9))
			return err
		},
		"Save": func(_ http.ResponseWriter, _ *http.Request) error { return errDown },
		"hints": func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.WriteString(w, "secret")
			w.WriteHeader(http.StatusEarlyHints)
			return err
		},
		"Hijack": func(w http.ResponseWriter, _ *http.Request) error {
			_, _, err := http.NewResponseController(w).Hijack()
			if errors.Is(err, http.ErrNotSupported) {
				return errDown // HTTP/2
			}
			return err
		},
	}
	states := map[string]struct {
		ops string
		act func(*sesame.Manager[counter], context.Context)
	}{
		"new":       {"save", func(m *sesame.Manager[counter], ctx context.Context) { m.Get(ctx).N++ }},
		"renewed":   {"save", func(m *sesame.Manager[counter], ctx context.Context) { m.Renew(ctx) }},
		"destroyed": {"delete", func(m *sesame.Manager[counter], ctx context.Context) { m.Destroy(ctx) }},
	}
	for _, protocol := range protocols {
		for opName, op := range begin {
			for stateName, state := range states {
				t.Run(protocol+"/"+opName+"/"+stateName, func(t *testing.T) {
					st := newFake()
					m := sesame.New[counter](sesame.WithStore(st), newWitness().logger())
					token := issue(t, m, func(c *counter) { c.N = 5 })
					if stateName == "new" {
						token = ""
					}
					before := records(t, st.Store.(*memstore.Store))
					st.down(state.ops)
					seen := make(chan error, 1)
					inner := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						h := w.Header()
						h.Set("X-Handler", "secret")
						h.Set("X-Outer", "changed by the handler")
						h.Set("Content-Length", "6")
						h.Set("Content-Encoding", "gzip")
						h.Add("Set-Cookie", "own=1")
						state.act(m, r.Context())
						err := op(w, r)
						seen <- err
					}))
					server := start(t, protocol, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						w.Header().Set("X-Outer", "1")
						inner.ServeHTTP(w, r)
					}))
					res, err := send(t.Context(), server, "GET", "/", token)
					require.NoError(t, err)
					if err := <-seen; opName != "Write" && opName != "Writes" && opName != "WriteHeader" && opName != "ReadFrom" && opName != "hints" {
						require.ErrorIs(t, err, errDown, "the handler is told")
					}
					require.Equal(t, 503, res.StatusCode)
					require.Equal(t, "Service Unavailable\n", res.body)
					for name := range res.Header {
						require.Contains(t, []string{"Cache-Control", "Content-Type", "Content-Length", "X-Content-Type-Options", "X-Outer", "Date", "Connection"}, name)
					}
					require.Equal(t, "1", res.Header.Get("X-Outer"))
					require.Equal(t, before, records(t, st.Store.(*memstore.Store)))
				})
			}
		}
	}
}

// TestHeaderAfterFailedCommit: what the handler sets afterwards does not leave
// either, as a trailer or through middleware outside that keeps the header
// until the handler has returned.
func TestHeaderAfterFailedCommit(t *testing.T) {
	st := newFake()
	m := sesame.New[counter](sesame.WithStore(st), newWitness().logger())
	st.down("save")
	h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.Get(r.Context()).N++
		io.WriteString(w, "secret")
		w.Header().Set("X-Late", "secret")
		w.Header().Set(http.TrailerPrefix+"X-Trailer", "secret")
	}))
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) {
			res, err := send(t.Context(), start(t, protocol, h), "GET", "/", "")
			require.NoError(t, err)
			require.Equal(t, "Service Unavailable\n", res.body)
			require.Empty(t, res.Trailer)
		})
	}
	t.Run("TimeoutHandler", func(t *testing.T) {
		res, err := send(t.Context(), start(t, "HTTP/1.1", http.TimeoutHandler(h, time.Hour, "")), "GET", "/", "")
		require.NoError(t, err)
		require.Equal(t, "Service Unavailable\n", res.body)
		require.Empty(t, res.Header["X-Late"])
	})
}

// TestErrorHandler: it gets the error and the request, and a clean slate.
func TestErrorHandler(t *testing.T) {
	st := newFake()
	m := sesame.New[counter](sesame.WithStore(st), newWitness().logger(),
		sesame.WithErrorHandler(func(w http.ResponseWriter, r *http.Request, err error) {
			w.Header().Set("X-Error", err.Error())
			w.WriteHeader(http.StatusTeapot)
			io.WriteString(w, "sorry, "+r.URL.Path)
		}))
	st.down("save")
	res := within(m, "", func(_ context.Context, c *counter) { c.N++ })
	body, _ := io.ReadAll(res.Body)
	require.Equal(t, http.StatusTeapot, res.StatusCode)
	require.Equal(t, "sorry, /", string(body))
	require.Equal(t, http.Header{"X-Error": {"sesame: session store unavailable: save: connection refused"}}, res.Header)
}

// TestFailureAfterFirstByte: it is too late to say so to the client; an event
// and the log do.
func TestFailureAfterFirstByte(t *testing.T) {
	st, w := newFake(), newWitness()
	m := sesame.New[counter](sesame.WithStore(st), w.logger(), w.observer())
	token := issue(t, m, func(c *counter) { c.N = 5 })
	st.down("save")
	w.reset()
	res := visit(m, token, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "page")
		w.(http.Flusher).Flush()
		m.Get(r.Context()).N++
	})
	require.Equal(t, 200, res.StatusCode)
	require.Equal(t, []sesame.EventKind{sesame.EventLoaded, sesame.EventStoreError}, w.kinds())
	require.Equal(t, 1, strings.Count(w.log.String(), "\n"), w.log.String())
}

// TestFailedLoad: Get does not return, Load does; a page that was begun is not
// completed (I5).
func TestFailedLoad(t *testing.T) {
	type M = *sesame.Manager[counter]
	for _, test := range []struct {
		name   string
		run    func(M, http.ResponseWriter, *http.Request)
		status int // 0: aborted before the first byte
		broken bool
		body   string
	}{
		{"Get", func(m M, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Handler", "secret")
			m.Get(r.Context()).N++
			panic("Get has returned")
		}, 503, false, "Service Unavailable\n"},
		{"Info", func(m M, w http.ResponseWriter, r *http.Request) { m.Info(r.Context()); panic("returned") }, 503, false, "Service Unavailable\n"},
		{"Renew", func(m M, w http.ResponseWriter, r *http.Request) { m.Renew(r.Context()); panic("returned") }, 503, false, "Service Unavailable\n"},
		{"Destroy", func(m M, w http.ResponseWriter, r *http.Request) { m.Destroy(r.Context()); panic("returned") }, 503, false, "Service Unavailable\n"},
		{"Remember", func(m M, w http.ResponseWriter, r *http.Request) {
			m.Remember(r.Context(), 0, time.Hour)
			panic("returned")
		}, 503, false, "Service Unavailable\n"},
		{"Load", func(m M, w http.ResponseWriter, r *http.Request) {
			s, err := m.Load(r.Context())
			if s != nil || !errors.Is(err, sesame.ErrStore) || !errors.Is(err, errDown) {
				panic("Load must return the error")
			}
			io.WriteString(w, "no session today")
		}, 200, false, "no session today"},
		{"Update", func(m M, w http.ResponseWriter, r *http.Request) {
			err := m.Update(r.Context(), func(*counter) error { panic("there is nothing to update") })
			if !errors.Is(err, sesame.ErrStore) {
				panic("Update must return the error")
			}
			io.WriteString(w, "no session today")
		}, 200, false, "no session today"},
		{"Get under a middleware that recovers", func(m M, w http.ResponseWriter, r *http.Request) {
			defer func() {
				err, ok := recover().(error)
				if !ok || !errors.Is(err, sesame.ErrStore) {
					panic("the panic must be an error that says what is wrong")
				}
				http.Error(w, err.Error(), 500)
			}()
			m.Get(r.Context()).N++
		}, 503, false, "Service Unavailable\n"},
		{"Get under a middleware that panics anew", func(m M, w http.ResponseWriter, r *http.Request) {
			defer func() { panic(fmt.Sprint("wrapped: ", recover())) }()
			m.Get(r.Context()).N++
		}, 0, false, ""},
		{"Get after the first byte", func(m M, w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "half a page")
			must(http.NewResponseController(w).Flush())
			m.Get(r.Context()).N++
		}, 200, true, "half a page"},
	} {
		for _, protocol := range protocols {
			t.Run(protocol+"/"+test.name, func(t *testing.T) {
				st := newFake()
				m := sesame.New[counter](sesame.WithStore(st), newWitness().logger())
				token := issue(t, m, func(c *counter) { c.N = 5 })
				st.down()
				server := start(t, protocol, m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { test.run(m, w, r) })))
				res, err := send(t.Context(), server, "GET", "/", token)
				if test.status == 0 {
					require.Error(t, err)
					return
				}
				require.NoError(t, err)
				require.Equal(t, test.status, res.StatusCode)
				require.Equal(t, test.broken, res.broken)
				require.Equal(t, test.body, res.body)
				require.Empty(t, res.Header["Set-Cookie"])
				require.Empty(t, res.Header["X-Handler"])
				require.Equal(t, []int{5}, values(records(t, st.Store.(*memstore.Store))), "an outage logs nobody out")
			})
		}
	}
}

// TestLoadTriesAgain: after an error the next call asks the store once more.
func TestLoadTriesAgain(t *testing.T) {
	st := newFake()
	m := sesame.New[counter](sesame.WithStore(st), newWitness().logger())
	token := issue(t, m, func(c *counter) { c.N = 5 })
	visit(m, token, func(w http.ResponseWriter, r *http.Request) {
		st.down()
		_, err := m.Load(r.Context())
		require.ErrorIs(t, err, errDown)
		st.up()
		s, err := m.Load(r.Context())
		require.NoError(t, err)
		require.Equal(t, 5, s.N)
		require.Same(t, s, m.Get(r.Context()))
	})
}

// TestAfterFailedCommit: who goes on after the error handler has answered
// cannot renew the session, since no client would learn its token.
func TestAfterFailedCommit(t *testing.T) {
	st := newFake()
	m := sesame.New[counter](sesame.WithStore(st), sesame.WithLogger(slog.New(slog.DiscardHandler)))
	token := issue(t, m, func(c *counter) { c.N = 5 })
	server := httptest.NewServer(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.Get(r.Context()).N = 6
		m.Renew(r.Context())
		st.down()
		fmt.Fprintln(w, "welcome")
		_ = http.NewResponseController(w).Flush() // fails, which most handlers do not look at
		st.up()
		err := m.Update(r.Context(), func(c *counter) error { c.N++; return nil })
		if err == nil {
			t.Error("it was renewed")
		}
	})))
	defer server.Close()
	res, err := send(t.Context(), server, "GET", "/", token)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	e, err := m.Find(t.Context(), keyOf(token).String())
	require.NoError(t, err)
	require.Equal(t, 5, e.Data.N)
}

// TestFailedAfterRenewal: what an earlier Save has renewed is not lost with the
// commit that fails later.
func TestFailedAfterRenewal(t *testing.T) {
	m := sesame.New[owned](sesame.WithLogger(slog.New(slog.DiscardHandler)))
	token := issue(t, m, func(o *owned) { o.N = 1 })
	server := httptest.NewServer(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.Renew(r.Context())
		must(m.Update(r.Context(), func(o *owned) error { o.N++; return nil }))
		m.Get(r.Context()).User = strings.Repeat("x", 100_000)
		fmt.Fprintln(w, "welcome")
	})))
	defer server.Close()
	res, err := send(t.Context(), server, "GET", "/", token)
	require.NoError(t, err)
	require.Equal(t, http.StatusInternalServerError, res.StatusCode)
	require.NotContains(t, res.body, "welcome")
	e, err := m.Find(t.Context(), keyOf(tokenOf(res.Response)).String())
	require.NoError(t, err)
	require.Equal(t, owned{N: 2}, e.Data)
}

// TestTwoFailedLoads: also when a deferred function has met the same outage, and
// recovered.
func TestTwoFailedLoads(t *testing.T) {
	st := newFake()
	m := sesame.New[counter](sesame.WithStore(st), sesame.WithLogger(slog.New(slog.DiscardHandler)))
	token := issue(t, m, func(c *counter) { c.N = 5 })
	st.down()
	server := httptest.NewServer(m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		defer func() {
			defer func() { _ = recover() }()
			_ = m.Info(r.Context())
		}()
		m.Get(r.Context()).N++
	})))
	defer server.Close()
	res, err := send(t.Context(), server, "GET", "/", token)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
}
