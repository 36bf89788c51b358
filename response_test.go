package sesame_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/memstore"
)

// A stand is a manager over a store that can fail, with one session in it whose
// N is 5.
type stand struct {
	store *fake
	m     *sesame.Manager[counter]
	w     *witness
	token string
}

func newStand(t *testing.T, opts ...sesame.Option) *stand {
	s := &stand{store: newFake(), w: newWitness()}
	s.m = sesame.New[counter](append(opts, sesame.WithStore(s.store), s.w.logger(), s.w.observer())...)
	s.token = issue(t, s.m, func(c *counter) { c.N = 5 })
	s.w.reset()
	s.store.up()
	return s
}

// stored returns N of all sessions.
func (s *stand) stored(t *testing.T) []int {
	return values(records(t, s.store.Store.(*memstore.Store)))
}

var long = strings.Repeat("x", 2049)

// entries are what a handler does to the response before it changes the
// session, and whether the response begins with it.
var entries = []struct {
	name   string
	begins func(protocol string) bool
	do     func(w http.ResponseWriter)
}{
	{"WriteHeader", never, func(w http.ResponseWriter) { w.WriteHeader(201) }},
	{"Write of nothing", never, func(w http.ResponseWriter) { w.Write(nil) }},
	{"Write of 1", never, func(w http.ResponseWriter) { w.Write([]byte("x")) }},
	{"Write of 2048", never, func(w http.ResponseWriter) { w.Write([]byte(long[1:])) }},
	{"Write of 2049", always, func(w http.ResponseWriter) { w.Write([]byte(long)) }},
	{"WriteString of 2000 and 49", always, func(w http.ResponseWriter) { io.WriteString(w, long[:2000]); io.WriteString(w, long[2000:]) }},
	{"103", never, func(w http.ResponseWriter) { w.WriteHeader(103) }},
	{"204", never, func(w http.ResponseWriter) { w.WriteHeader(204) }},
	{"304", never, func(w http.ResponseWriter) { w.WriteHeader(304) }},
	{"Flush", always, func(w http.ResponseWriter) { w.(http.Flusher).Flush() }},
	{"ResponseController.Flush", always, func(w http.ResponseWriter) { must(http.NewResponseController(w).Flush()) }},
	{"ReadFrom of 511", never, func(w http.ResponseWriter) { io.Copy(w, io.LimitReader(strings.NewReader(long), 511)) }},
	{"ReadFrom of 512", http1Only, func(w http.ResponseWriter) { io.Copy(w, io.LimitReader(strings.NewReader(long), 512)) }},
}

func never(string) bool           { return false }
func always(string) bool          { return true }
func http1Only(proto string) bool { return proto == "HTTP/1.1" }

// TestResponseBegins is the truth table: what the handler did to the response,
// what it then does to the session, what leaves and what is stored.
func TestResponseBegins(t *testing.T) {
	for _, e := range entries {
		for _, protocol := range protocols {
			t.Run(protocol+"/"+e.name, func(t *testing.T) {
				begun := e.begins(protocol)
				run := func(t *testing.T, s *stand, token string, f http.HandlerFunc) *response {
					res, err := send(t.Context(), start(t, protocol, s.m.Handler(f)), "GET", "/", token)
					require.NoError(t, err)
					return res
				}
				t.Run("new", func(t *testing.T) {
					s := newStand(t)
					res := run(t, s, "", func(w http.ResponseWriter, r *http.Request) { e.do(w); s.m.Get(r.Context()).N = 7 })
					if begun {
						require.Empty(t, res.Header["Set-Cookie"])
						require.Equal(t, []int{5}, s.stored(t))
						require.Contains(t, s.w.kinds(), sesame.EventLate)
						return
					}
					require.NotEmpty(t, tokenOf(res.Response))
					require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
					require.Equal(t, []int{5, 7}, s.stored(t))
				})
				t.Run("changed before and after", func(t *testing.T) {
					s := newStand(t)
					run(t, s, s.token, func(w http.ResponseWriter, r *http.Request) {
						s.m.Get(r.Context()).N++
						e.do(w)
						s.m.Get(r.Context()).N++
					})
					want := []string{"load", "save"}
					if begun {
						want = append(want, "save")
					}
					require.Equal(t, want, s.store.called())
					require.Equal(t, []int{7}, s.stored(t))
				})
				t.Run("renewed after", func(t *testing.T) {
					s := newStand(t)
					res := run(t, s, s.token, func(w http.ResponseWriter, r *http.Request) { e.do(w); s.m.Renew(r.Context()) })
					require.Equal(t, begun, tokenOf(res.Response) == "")
					if begun {
						within(s.m, s.token, func(_ context.Context, c *counter) { require.Equal(t, 5, c.N, "the old token works on") })
					}
				})
				t.Run("destroyed after", func(t *testing.T) {
					s := newStand(t)
					res := run(t, s, s.token, func(w http.ResponseWriter, r *http.Request) { e.do(w); s.m.Destroy(r.Context()) })
					require.Equal(t, begun, res.Header.Get("Set-Cookie") == "")
					require.Empty(t, s.stored(t))
				})
				t.Run("save fails", func(t *testing.T) {
					s := newStand(t)
					s.store.down("save")
					res := run(t, s, s.token, func(w http.ResponseWriter, r *http.Request) {
						w.Header().Set("X-Handler", "1")
						e.do(w)
						s.m.Get(r.Context()).N++
					})
					require.Equal(t, !begun, res.StatusCode == 503)
					require.Equal(t, !begun, res.body == "Service Unavailable\n")
					require.Equal(t, begun, res.Header.Get("X-Handler") != "")
				})
				t.Run("load fails, a middleware inside recovers", func(t *testing.T) {
					s := newStand(t)
					s.store.down()
					res, err := send(t.Context(), start(t, protocol, s.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						defer func() {
							if recover() != nil {
								http.Error(w, "recovered", 500)
							}
						}()
						e.do(w)
						s.m.Get(r.Context()).N++
					}))), "GET", "/", s.token)
					if begun {
						require.True(t, err != nil || res.broken, "half a page must not look whole")
						return
					}
					require.NoError(t, err)
					require.Equal(t, 503, res.StatusCode)
					require.Equal(t, "Service Unavailable\n", res.body)
				})
				t.Run("panic, a middleware outside recovers", func(t *testing.T) {
					s := newStand(t)
					h := s.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						s.m.Get(r.Context()).N++
						w.Header().Set("Content-Encoding", "gzip")
						e.do(w)
						panic("boom")
					}))
					res, err := send(t.Context(), start(t, protocol, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						defer func() {
							recover()
							w.WriteHeader(500)
							io.WriteString(w, "sorry")
						}()
						h.ServeHTTP(w, r)
					})), "GET", "/", s.token)
					require.NoError(t, err)
					if begun {
						require.Equal(t, []int{6}, s.stored(t), "what was done before it began is saved")
						return
					}
					require.Equal(t, []int{5}, s.stored(t))
					require.Equal(t, 500, res.StatusCode)
					require.Equal(t, "sorry", res.body)
					require.Empty(t, res.Header.Get("Content-Encoding"))
				})
				t.Run("panic, a middleware inside recovers", func(t *testing.T) {
					s := newStand(t)
					run(t, s, s.token, func(w http.ResponseWriter, r *http.Request) {
						defer func() { recover(); w.WriteHeader(500) }()
						s.m.Get(r.Context()).N++
						e.do(w)
						s.m.Get(r.Context()).N++
						panic("boom")
					})
					want := 5
					if begun {
						want = 6
					}
					require.Equal(t, []int{want}, s.stored(t))
					require.Contains(t, s.w.kinds(), sesame.EventDropped)
				})
			})
		}
	}
}

// TestServerErrors: a status of 500 and above drops what was not saved, but for
// a log-out.
func TestServerErrors(t *testing.T) {
	type M = *sesame.Manager[counter]
	for name, test := range map[string]struct {
		act     func(M, context.Context)
		stored  []int
		cookie  bool
		dropped int
	}{
		"read":                  {func(m M, ctx context.Context) { m.Get(ctx) }, []int{5}, false, 0},
		"changed":               {func(m M, ctx context.Context) { m.Get(ctx).N++ }, []int{5}, false, 1},
		"renewed":               {func(m M, ctx context.Context) { m.Renew(ctx) }, []int{5}, false, 1},
		"remembered":            {func(m M, ctx context.Context) { m.Remember(ctx, 0, time.Hour) }, []int{5}, false, 1},
		"destroyed":             {func(m M, ctx context.Context) { m.Destroy(ctx) }, nil, true, 0},
		"destroyed and written": {func(m M, ctx context.Context) { m.Destroy(ctx); m.Get(ctx).N = 8 }, nil, true, 1},
		"updated":               {func(m M, ctx context.Context) { must(m.Update(ctx, func(c *counter) error { c.N++; return nil })) }, []int{6}, false, 0},
		"saved":                 {func(m M, ctx context.Context) { m.Get(ctx).N++; must(m.Save(ctx)) }, []int{6}, false, 0},
		"saved and changed":     {func(m M, ctx context.Context) { m.Get(ctx).N++; must(m.Save(ctx)); m.Get(ctx).N++ }, []int{6}, false, 1},
		"renewed, saved":        {func(m M, ctx context.Context) { m.Renew(ctx); must(m.Save(ctx)) }, []int{5}, true, 0},
		"renewed, updated, changed": {func(m M, ctx context.Context) {
			m.Renew(ctx)
			must(m.Update(ctx, func(c *counter) error { c.N++; return nil }))
			m.Get(ctx).N = 9
		}, []int{6}, true, 1},
	} {
		for _, status := range []int{500, 503, 499} {
			t.Run(fmt.Sprint(name, " ", status), func(t *testing.T) {
				s := newStand(t)
				res := visit(s.m, s.token, func(w http.ResponseWriter, r *http.Request) {
					test.act(s.m, r.Context())
					http.Error(w, "no", status)
				})
				require.Equal(t, status, res.StatusCode)
				if status == 499 {
					require.Zero(t, s.w.count(sesame.EventDropped))
					return
				}
				require.Equal(t, test.stored, s.stored(t))
				require.Equal(t, test.cookie, len(res.Cookies()) == 1)
				require.Equal(t, test.dropped, s.w.count(sesame.EventDropped))
			})
		}
	}
}
