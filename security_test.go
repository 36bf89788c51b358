package sesame_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// TestToken: 26 characters that come from crypto/rand and from nowhere else.
func TestToken(t *testing.T) {
	m := sesame.New[counter]()
	cryptotest.SetGlobalRandom(t, 1)
	want := freshToken()
	cryptotest.SetGlobalRandom(t, 1)
	got := issue(t, m, func(c *counter) { c.N++ })
	require.Equal(t, want, got)
	require.Regexp(t, `^[\w-]{22}\.[\w-]{22}$`, got)
	require.NotEqual(t, got, issue(t, m, func(c *counter) { c.N++ }))
}

// TestStoreSeesHashes: keys are hashes, records do not hold the token, and the
// public ID, which is the key, is of no use as a cookie (I7).
func TestStoreSeesHashes(t *testing.T) {
	st := newFake()
	m := sesame.New[counter](sesame.WithStore(st))
	token := issue(t, m, func(c *counter) { c.N = 5 })
	k := keyOf(token)
	rec, err := st.Store.Load(t.Context(), k)
	require.NoError(t, err)
	require.NotContains(t, string(rec.Data), token)
	id := base64.RawURLEncoding.EncodeToString(k[:])
	within(m, token, func(ctx context.Context, c *counter) {
		require.Equal(t, 5, c.N)
		require.Equal(t, id, m.Info(ctx).ID)
	})
	st.up()
	for _, cookie := range []string{id, id[:20], strings.ToUpper(id[:20])} {
		within(m, cookie, func(ctx context.Context, c *counter) {
			require.Zero(t, *c)
			require.True(t, m.Info(ctx).New)
		})
	}
	require.NotContains(t, st.called(), "save")
}

// TestNoAdoption: a token of the client's own making never becomes a session's
// (I1).
func TestNoAdoption(t *testing.T) {
	st := memstore.New()
	m := sesame.New[counter](sesame.WithStore(st))
	made := rand.Text()
	token := tokenOf(within(m, made, func(_ context.Context, c *counter) { c.N++ }))
	require.NotEqual(t, made, token)
	require.Equal(t, map[store.Key]int{keyOf(token): 1}, records(t, st))
	within(m, made, func(ctx context.Context, c *counter) {
		m.Renew(ctx)
		must(m.Update(ctx, func(c *counter) error { c.N = 9; return nil }))
	})
	require.NotContains(t, records(t, st), keyOf(made))
}

// TestHostileCookies: nonsense costs no call of the store.
func TestHostileCookies(t *testing.T) {
	st, w := newFake(), newWitness()
	m := sesame.New[counter](sesame.WithStore(st), w.observer())
	token := issue(t, m, func(c *counter) { c.N = 5 })
	const name = "__Host-Http-session_id="
	many := strings.Repeat(name+"x;", 3001)
	for _, cookie := range []string{
		"", "=", ";;;", name, name + "__proto__", name + "../../x", name + "constructor",
		name + token[:25], name + token + "A", name + `"` + token + `"`,
		name + token[:25] + "\x00", name + token + "\x00", name + token[:25] + "\r", name + token + "%0d%0a", name + "\xff\xfe",
		name + token[:25] + "1", name + token[:25] + "é"[:1], name + strings.Repeat("A", 4096), many,
		"__host-session_id=" + token, "__Host-Http-session_id2=" + token, "x__Host-Http-session_id=" + token, "session_id=" + token,
	} {
		st.up()
		w.reset()
		r := httptest.NewRequest("GET", "https://example.com/", nil)
		r.Header["Cookie"] = []string{cookie}
		res := visitWith(m, r, func(_ http.ResponseWriter, r *http.Request) { require.Zero(t, *m.Get(r.Context())) })
		require.Empty(t, st.called(), "%.80q", cookie)
		require.Empty(t, res.Header["Set-Cookie"])
		require.LessOrEqual(t, len(w.all()), 1)
	}
	var line strings.Builder
	for range 3001 {
		fmt.Fprintf(&line, "%s%s; ", name, freshToken())
	}
	r := httptest.NewRequest("GET", "https://example.com/", nil)
	r.Header["Cookie"] = []string{line.String() + name + token}
	visitWith(m, r, func(_ http.ResponseWriter, r *http.Request) { require.Zero(t, *m.Get(r.Context())) })
	require.Equal(t, []string{"load", "load", "load", "load"}, st.called())
}

// TestSeveralCookies: a stale one does not hide the good one, two good ones
// are none.
func TestSeveralCookies(t *testing.T) {
	st, w := memstore.New(), newWitness()
	m := sesame.New[counter](sesame.WithStore(st), w.observer(), w.logger())
	a := issue(t, m, func(c *counter) { c.N = 5 })
	b := issue(t, m, func(c *counter) { c.N = 6 })
	stale := rand.Text()
	for _, test := range []struct {
		name   string
		tokens []string
		want   int
		kind   sesame.EventKind
	}{
		{"stale first", []string{stale, a}, 5, sesame.EventLoaded},
		{"stale last", []string{a, stale}, 5, sesame.EventLoaded},
		{"malformed first", []string{"x", a}, 5, sesame.EventLoaded},
		{"the same twice", []string{a, a}, 5, sesame.EventLoaded},
		{"fourth", []string{stale, rand.Text(), rand.Text(), a}, 5, sesame.EventLoaded},
		{"two live ones", []string{a, b}, 0, sesame.EventAmbiguous},
		{"two live ones and more", []string{b, stale, "x", a}, 0, sesame.EventAmbiguous},
	} {
		for _, lines := range []bool{false, true} { // HTTP/2 may split the header
			t.Run(fmt.Sprint(test.name, lines), func(t *testing.T) {
				w.reset()
				r := httptest.NewRequest("GET", "https://example.com/", nil)
				for _, tok := range test.tokens {
					if c := "__Host-Http-session_id=" + tok; lines {
						r.Header.Add("Cookie", c)
					} else {
						r.AddCookie(&http.Cookie{Name: "__Host-Http-session_id", Value: tok})
					}
				}
				res := visitWith(m, r, func(_ http.ResponseWriter, r *http.Request) { require.Equal(t, test.want, m.Get(r.Context()).N) })
				require.Equal(t, []sesame.EventKind{test.kind}, w.kinds())
				require.Empty(t, res.Header["Set-Cookie"])
				require.Len(t, records(t, st), 2)
			})
		}
	}
}

// TestForeignRecord: a store that answers with another session's record does not
// make the client another user, at load or in a conflict (I4).
func TestForeignRecord(t *testing.T) {
	st, w := newFake(), newWitness()
	m := sesame.New[counter](sesame.WithStore(st), w.observer(), w.logger())
	mine := issue(t, m, func(c *counter) { c.N = 5 })
	other := issue(t, m, func(c *counter) { c.N = 6 })
	foreign, err := st.Store.Load(t.Context(), keyOf(other))
	require.NoError(t, err)
	swap := func(store.Record, error) (store.Record, error) { return foreign, nil }

	w.reset()
	st.load = swap
	res := within(m, mine, func(_ context.Context, c *counter) { require.Zero(t, *c) })
	require.Empty(t, res.Header["Set-Cookie"])
	require.Equal(t, []sesame.EventKind{sesame.EventUnknownToken}, w.kinds())

	st.load = nil
	w.reset()
	within(m, mine, func(ctx context.Context, c *counter) {
		must(m.UpdateByID(ctx, m.Info(ctx).ID, func(c *counter) error { c.N = 7; return nil }))
		c.N = 8
		st.load = swap
	})
	require.Equal(t, []sesame.EventKind{sesame.EventLoaded, sesame.EventSaved, sesame.EventGone}, w.kinds())
	require.ElementsMatch(t, []int{7, 6}, values(records(t, st.Store.(*memstore.Store))))
}

// TestUnreadableRecord: it is no request's session, stays as it is, and no other
// codec is tried on it.
func TestUnreadableRecord(t *testing.T) {
	for name, spoil := range map[string]func(data []byte) []byte{
		"payload":        func(d []byte) []byte { return append(d[:envelope.Len], 0xc1) },
		"no payload":     func(d []byte) []byte { return d[:envelope.Len] },
		"cut header":     func(d []byte) []byte { return d[:envelope.Len-1] },
		"empty":          func(d []byte) []byte { return nil },
		"another codec":  func(d []byte) []byte { d[34] = 2; return d },
		"schema 0":       func(d []byte) []byte { d[36] = 0; return d },
		"far too large":  func(d []byte) []byte { return append(d, make([]byte, 5*64<<10)...) },
		"trailing bytes": func(d []byte) []byte { return append(d, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			st, w := memstore.New(), newWitness()
			m := sesame.New[counter](sesame.WithStore(st), w.observer(), w.logger())
			token := issue(t, m, func(c *counter) { c.N = 5 })
			rec, err := st.Load(t.Context(), keyOf(token))
			require.NoError(t, err)
			rec.Data = spoil(bytes.Clone(rec.Data))
			_, err = st.Save(t.Context(), keyOf(token), rec)
			require.NoError(t, err)
			before, err := st.Load(t.Context(), keyOf(token))
			require.NoError(t, err)

			w.reset()
			res := within(m, token, func(_ context.Context, c *counter) { require.Zero(t, *c) })
			require.Equal(t, 200, res.StatusCode)
			require.Empty(t, res.Header["Set-Cookie"])
			require.Equal(t, []sesame.EventKind{sesame.EventCorrupt}, w.kinds())
			require.Error(t, w.all()[0].Err)
			require.Equal(t, keyOf(token).String(), w.all()[0].ID)

			res = within(m, token, func(_ context.Context, c *counter) { c.N++ })
			require.NotEqual(t, token, tokenOf(res), "a change begins a new session")
			after, err := st.Load(t.Context(), keyOf(token))
			require.NoError(t, err)
			require.Equal(t, before, after)
		})
	}
}

// TestOnlyDestroyDeletes: nothing else takes the client's cookie away, and
// deletion repeats every attribute.
func TestOnlyDestroyDeletes(t *testing.T) {
	st := newFake()
	m := sesame.New[counter](sesame.WithStore(st), newWitness().logger())
	silent := func(name string, res *http.Response) {
		t.Helper()
		require.Empty(t, res.Header["Set-Cookie"], name)
	}
	silent("unknown", within(m, rand.Text(), func(_ context.Context, c *counter) { _ = c.N }))
	unknown := within(m, freshToken(), func(ctx context.Context, _ *counter) { m.Destroy(ctx) })
	require.Equal(t, -1, unknown.Cookies()[0].MaxAge, "it is worth nothing, so the client need not keep it")
	silent("new, destroyed", within(m, "", func(ctx context.Context, c *counter) { c.N++; m.Destroy(ctx) }))
	revoke := func(ctx context.Context) { must(m.Revoke(ctx, m.Info(ctx).ID)) }
	token := issue(t, m, func(c *counter) { c.N = 5 })
	silent("revoked meanwhile", within(m, token, func(ctx context.Context, c *counter) { c.N++; revoke(ctx) }))
	silent("revoked before", within(m, token, func(ctx context.Context, c *counter) { _ = c.N }))
	token = issue(t, m, func(c *counter) { c.N = 5 })
	silent("revoked and renewed", within(m, token, func(ctx context.Context, c *counter) { m.Renew(ctx); revoke(ctx) }))
	token = issue(t, m, func(c *counter) { c.N = 5 })
	st.down()
	silent("outage", within(m, token, func(context.Context, *counter) {}))
	st.down("delete")
	silent("outage at log-out", within(m, token, func(ctx context.Context, _ *counter) { m.Destroy(ctx) }))
	st.up()

	for _, template := range []http.Cookie{
		{}, {Name: "id", Domain: "example.com", Path: "/app", SameSite: http.SameSiteStrictMode},
		{Name: "__Secure-id", Partitioned: true, SameSite: http.SameSiteNoneMode},
	} {
		m := sesame.New[counter](sesame.WithCookie(template))
		res := within(m, "", func(_ context.Context, c *counter) { c.N++ })
		set := res.Cookies()[0]
		r := httptest.NewRequest("GET", "https://example.com/app", nil)
		r.AddCookie(set)
		deleted := visitWith(m, r, func(_ http.ResponseWriter, r *http.Request) { m.Destroy(r.Context()) }).Cookies()[0]
		require.Equal(t, -1, deleted.MaxAge)
		set.Value, set.MaxAge, set.Raw, deleted.Raw = "", -1, "", ""
		require.Equal(t, set, deleted)
	}
}

// TestPlainHTTPWarning: once, and only where browsers drop the cookie; the
// cookie itself never depends on the request.
func TestPlainHTTPWarning(t *testing.T) {
	for _, test := range []struct {
		url, forwarded string
		insecure       bool
		warnings       int
	}{
		{"http://example.com/", "", false, 1},
		{"http://192.0.2.1:8080/", "", false, 1},
		{"http://localhost.example.com/", "", false, 1},
		{"http://example.com/", "http", false, 1},
		{"https://example.com/", "", false, 0},
		{"http://example.com/", "https", false, 0},
		{"http://example.com/", "", true, 0},
		{"http://localhost:9090/", "", false, 0},
		{"http://LOCALHOST/", "", false, 0},
		{"http://app.localhost/", "", false, 0},
		{"http://127.0.0.1:9090/", "", false, 0},
		{"http://127.8.8.8/", "", false, 0},
		{"http://[::1]:9090/", "", false, 0},
		{"http://[::1]/", "", false, 0},
	} {
		t.Run(test.url+test.forwarded, func(t *testing.T) {
			w := newWitness()
			opts := []sesame.Option{w.logger()}
			if test.insecure {
				opts = append(opts, sesame.WithInsecureCookie())
			}
			m := sesame.New[counter](opts...)
			for range 3 {
				r := httptest.NewRequest("GET", test.url, nil)
				if test.forwarded != "" {
					r.Header.Set("X-Forwarded-Proto", test.forwarded)
				}
				res := visitWith(m, r, func(_ http.ResponseWriter, r *http.Request) { m.Get(r.Context()).N++ })
				require.Equal(t, !test.insecure, res.Cookies()[0].Secure)
			}
			require.Equal(t, test.warnings, strings.Count(w.log.String(), "WithInsecureCookie"), w.log.String())
		})
	}
}

// TestPayloadCap: a session that grew too large is not saved, and the one
// before is still there.
func TestPayloadCap(t *testing.T) {
	type hoard struct{ Text string }
	for _, test := range []struct {
		name string
		opts []sesame.Option
		fits int
	}{{"default", nil, 64<<10 - 64}, {"own", []sesame.Option{sesame.WithMaxSize(100)}, 80}} {
		t.Run(test.name, func(t *testing.T) {
			w := newWitness()
			m := sesame.New[hoard](append(test.opts, w.logger())...)
			token := issue(t, m, func(h *hoard) { h.Text = strings.Repeat("x", test.fits) })
			for name, act := range map[string]func(ctx context.Context, h *hoard){
				"at the end": func(_ context.Context, h *hoard) { h.Text += strings.Repeat("x", 100) },
				"renewed":    func(ctx context.Context, h *hoard) { m.Renew(ctx); h.Text += strings.Repeat("x", 100) },
				"Save": func(ctx context.Context, h *hoard) {
					h.Text += strings.Repeat("x", 100)
					require.ErrorIs(t, m.Save(ctx), sesame.ErrTooLarge)
				},
			} {
				res := within(m, token, act)
				require.Equal(t, 500, res.StatusCode, name)
				require.Empty(t, res.Header["Set-Cookie"], name)
				within(m, token, func(ctx context.Context, h *hoard) {
					require.Len(t, h.Text, test.fits, name)
					err := m.Update(ctx, func(h *hoard) error { h.Text += strings.Repeat("x", 100); return nil })
					require.ErrorIs(t, err, sesame.ErrTooLarge)
					require.Len(t, h.Text, test.fits)
					require.ErrorIs(t, m.UpdateByID(ctx, m.Info(ctx).ID, func(h *hoard) error { h.Text += strings.Repeat("x", 100); return nil }), sesame.ErrTooLarge)
				})
			}
			require.Contains(t, w.log.String(), "WithMaxSize")
			require.NotContains(t, w.log.String(), "xxxx", "data does not belong into the log")
		})
	}
}

// TestNoTokenInOutput: however things are printed (I7).
func TestNoTokenInOutput(t *testing.T) {
	st, w := newFake(), newWitness()
	var tokens, output []string
	note := func(values ...any) {
		for _, v := range values {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
				output = append(output, fmt.Sprintf(verb, v))
			}
			if text, err := json.Marshal(v); err == nil {
				output = append(output, string(text))
			}
		}
	}
	m := sesame.New[counter](sesame.WithStore(st), w.observer(), w.logger(), sesame.WithSessions(map[string]counter{chosen("A"): {N: 7}}))
	tokens = append(tokens, chosen("A"))
	look := func(w http.ResponseWriter, r *http.Request) {
		s := m.Get(r.Context())
		s.N++
		must(m.Save(r.Context()))
		entry, err := m.Find(r.Context(), m.Info(r.Context()).ID)
		must(err)
		derived, cancel := context.WithTimeout(context.WithValue(r.Context(), errDown, 1), time.Hour)
		defer cancel()
		note(r.Context(), derived, w, struct{ W any }{w}, m, *m, m.Info(r.Context()), entry, s)
	}
	tokens = append(tokens, tokenOf(visit(m, "", look)))
	visit(m, tokens[1], look)
	tokens = append(tokens, tokenOf(visit(m, tokens[1], func(w http.ResponseWriter, r *http.Request) { m.Renew(r.Context()); look(w, r) })))
	visit(m, tokens[1], func(w http.ResponseWriter, r *http.Request) { m.Get(r.Context()) })
	for _, op := range []string{"load", "save", "delete"} {
		st.down(op)
		visit(m, tokens[2], func(w http.ResponseWriter, r *http.Request) {
			_, err := m.Load(r.Context())
			if err == nil {
				err = errors.Join(m.Update(r.Context(), func(c *counter) error { c.N++; return nil }), m.Revoke(r.Context(), m.Info(r.Context()).ID))
			}
			note(err)
		})
	}
	st.up()
	for _, id := range tokens { // given by mistake
		_, err := m.Find(t.Context(), id)
		require.ErrorIs(t, err, sesame.ErrNotFound)
		note(err, m.Revoke(t.Context(), id), m.UpdateByID(t.Context(), id, nil))
		_, err = m.RevokeOwner(t.Context(), "ann", id)
		note(err)
	}
	for _, e := range w.all() {
		note(e)
	}
	output = append(output, w.log.String())
	require.Greater(t, len(w.all()), 8)
	require.Contains(t, output, "sesame.session", "the session itself was printed")
	for _, token := range tokens {
		require.Len(t, token, 45)
		for _, line := range output {
			if strings.Contains(line, token) || strings.Contains(line, fmt.Sprintf("%x", token)) {
				t.Errorf("there is a token in %.300s", line)
			}
		}
	}
}

func freshToken() string { return token.New() }
