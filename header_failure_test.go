package sesame_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/memstore"
)

// TestHeaderRefused: New says what cannot be, and what to do.
func TestHeaderRefused(t *testing.T) {
	for _, test := range []struct {
		want    string
		options []sesame.Option
	}{
		{`WithHeader: "" is not the name of a header field`, []sesame.Option{sesame.WithHeader("")}},
		{`WithHeader: "X Session" is not the name of a header field`, []sesame.Option{sesame.WithHeader("X Session")}},
		{`WithHeader: "X-Session:" is not the name of a header field`, []sesame.Option{sesame.WithHeader("X-Session:")}},
		{"the header field Cookie has another meaning: use one of your own, such as X-Session, or Authorization", []sesame.Option{sesame.WithHeader("cookie")}},
		{"the header field Location has another meaning", []sesame.Option{sesame.WithHeader("Location")}},
		{`WithHeader("X-Session") takes the place of the cookie: drop WithCookie`, []sesame.Option{sesame.WithHeader("X-Session"), sesame.WithCookie(http.Cookie{Name: "id"})}},
		{`WithHeader("X-Session") takes the place of the cookie: drop WithCookie`, []sesame.Option{sesame.WithInsecureCookie(), sesame.WithHeader("X-Session")}},
	} {
		require.PanicsWithValue(t, panicked(func() { sesame.New[counter](test.options...) }), func() { sesame.New[counter](test.options...) })
		require.Contains(t, panicked(func() { sesame.New[counter](test.options...) }), "sesame: New[sesame_test.counter]: ")
		require.Contains(t, panicked(func() { sesame.New[counter](test.options...) }), test.want)
	}
	require.Nil(t, panicked(func() { sesame.New[counter](sesame.WithHeader("Cookie"), sesame.WithHeader("X-Session")) }), "the last one counts")
}

func panicked(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

// TestHeaderNested: two managers in one chain have fields of their own, or a field
// and a cookie.
func TestHeaderNested(t *testing.T) {
	cookies := sesame.New[counter]()
	a, b := sesame.New[counter](sesame.WithHeader("X-Session")), sesame.New[counter](sesame.WithHeader("Authorization"))
	again := sesame.New[counter](sesame.WithHeader("x-session"))
	add := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookies.Get(r.Context()).N++
		a.Get(r.Context()).N += 10
		b.Get(r.Context()).N += 100
		fmt.Fprint(w, cookies.Get(r.Context()).N, a.Get(r.Context()).N, b.Get(r.Context()).N)
	})
	chain := a.Handler(cookies.Handler(a.Handler(b.Handler(add)))) // a twice
	w := httptest.NewRecorder()
	chain.ServeHTTP(w, httptest.NewRequest("GET", "https://example.com/", nil))
	first := w.Result()
	require.Equal(t, "1 10 100", w.Body.String())
	require.Len(t, first.Cookies(), 1)
	require.Len(t, first.Header["X-Session"], 1)
	require.Len(t, first.Header["Authorization"], 1)
	require.ElementsMatch(t, []string{"Cookie", "X-Session", "Authorization"}, first.Header["Vary"])
	require.Equal(t, []string{"no-store"}, first.Header["Cache-Control"])

	r := httptest.NewRequest("GET", "https://example.com/", nil)
	r.AddCookie(first.Cookies()[0])
	r.Header["X-Session"], r.Header["Authorization"] = first.Header["X-Session"], first.Header["Authorization"]
	w = httptest.NewRecorder()
	chain.ServeHTTP(w, r)
	require.Equal(t, "2 20 200", w.Body.String())
	require.NotContains(t, w.Header(), "X-Session")
	require.NotContains(t, w.Header(), "Authorization")
	require.NotContains(t, w.Header(), "Set-Cookie")

	require.Equal(t, "sesame: two managers use the header X-Session, one inside the other's Handler: give one of them another name, sesame.WithHeader(...)",
		panicked(func() {
			a.Handler(again.Handler(add)).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		}))
}

// TestHeaderFailures: a response that is an error has no token but one that was
// earned before, and keeps what was set outside of Handler, such as the fields of
// CORS.
func TestHeaderFailures(t *testing.T) {
	for _, test := range []struct {
		name   string
		down   []string
		act    func(m *sesame.Manager[counter], ctx context.Context)
		status int
		token  bool
	}{
		{"load fails", []string{"load"}, func(m *sesame.Manager[counter], ctx context.Context) { m.Get(ctx) }, 503, false},
		{"save fails", []string{"save"}, func(m *sesame.Manager[counter], ctx context.Context) { m.Get(ctx).N++ }, 503, false},
		{"renewal fails", []string{"save"}, func(m *sesame.Manager[counter], ctx context.Context) { m.Renew(ctx) }, 503, false},
		{"log-out fails", []string{"delete"}, func(m *sesame.Manager[counter], ctx context.Context) { m.Destroy(ctx) }, 503, false},
		{"log-in lost", nil, func(m *sesame.Manager[counter], ctx context.Context) {
			m.Renew(ctx)
			must(m.Revoke(ctx, m.Info(ctx).ID))
		}, 409, false},
		{"the handler fails after a renewal", nil, func(m *sesame.Manager[counter], ctx context.Context) {
			m.Renew(ctx)
			ctx.Value(beginKey{}).(http.ResponseWriter).WriteHeader(500)
		}, 500, false},
		{"the handler fails after a log-out", nil, func(m *sesame.Manager[counter], ctx context.Context) {
			m.Destroy(ctx)
			ctx.Value(beginKey{}).(http.ResponseWriter).WriteHeader(500)
		}, 500, true},
		{"the handler panics after a renewal", nil, func(m *sesame.Manager[counter], ctx context.Context) { m.Renew(ctx); panic("x") }, 500, false},
		{"the handler panics after a renewal that was saved", nil, func(m *sesame.Manager[counter], ctx context.Context) {
			m.Renew(ctx)
			must(m.Save(ctx))
			panic("x")
		}, 500, true},
		{"a save fails after a renewal that was saved", nil, func(m *sesame.Manager[counter], ctx context.Context) {
			m.Renew(ctx)
			must(m.Save(ctx))
			ctx.Value(storeKey{}).(*fake).down("save")
			m.Get(ctx).N++
		}, 503, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			st, w := newFake(), newWitness()
			m := sesame.New[counter](sesame.WithHeader("X-Session"), sesame.WithStore(st), w.logger(), w.observer())
			res := visit(m, "", func(_ http.ResponseWriter, r *http.Request) { m.Get(r.Context()).N = 5 })
			token := res.Header.Get("X-Session")
			if test.down != nil {
				st.down(test.down...)
			}
			handler := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Session", "what the handler puts there")
				ctx := context.WithValue(context.WithValue(r.Context(), beginKey{}, w), storeKey{}, st)
				test.act(m, ctx)
				io.WriteString(w, "the handler's page")
			}))
			r := httptest.NewRequest("GET", "https://example.com/", nil)
			r.Header.Set("X-Session", token)
			rec := httptest.NewRecorder()
			rec.Header().Set("Access-Control-Expose-Headers", "X-Session")
			func() {
				defer func() {
					if recover() != nil {
						rec.WriteHeader(500)
					}
				}()
				handler.ServeHTTP(rec, r)
			}()
			res = rec.Result()
			require.Equal(t, test.status, res.StatusCode)
			require.Equal(t, "X-Session", res.Header.Get("Access-Control-Expose-Headers"))
			if test.status != 500 {
				require.NotContains(t, rec.Body.String(), "the handler's page")
			}
			values, told := res.Header["X-Session"]
			switch {
			case test.token:
				require.NotEqual(t, token, values[0])
				require.NotContains(t, values[0], "handler")
				require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
			case told: // a page of the handler's own says what the handler says
				require.Equal(t, []string{"what the handler puts there"}, values)
				require.Equal(t, "the handler fails after a renewal", test.name)
			}
			for _, secret := range []string{token, strings.Split(token, ".")[1]} {
				require.NotContains(t, w.log.String(), secret)
				require.NotContains(t, fmt.Sprintf("%+v", w.all()), secret)
			}
		})
	}
}

type storeKey struct{}

// TestHeaderTokensStayOut: no token is in an event or in the log, whatever becomes
// of it, nor in what prints the manager, its context or its writer.
func TestHeaderTokensStayOut(t *testing.T) {
	for _, field := range []string{"X-Session", "Authorization"} {
		st, w := newFake(), newWitness()
		m := sesame.New[counter](sesame.WithHeader(field), sesame.WithStore(st), w.observer(), w.logger())
		var printed strings.Builder
		mux := http.NewServeMux()
		mux.Handle("/", api(m))
		mux.Handle("/print", m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			m.Renew(r.Context())
			must(m.Save(r.Context()))
			fmt.Fprintf(&printed, "%v %+v %#v %v %+v %v", r.Context(), r.Context(), r.Context(), m, m.Info(r.Context()), w)
		})))
		a := newAPI(t, mux, field, false)
		var tokens []string
		for _, path := range []string{"/add", "/renew", "/print", "/add", "/id", "/destroy", "/add", "/n"} {
			a.get(path)
			if a.value != "" {
				tokens = append(tokens, a.token())
			}
		}
		a.value = strings.Replace(a.value, tokens[len(tokens)-1], tokens[0], 1) // a dead one
		a.get("/n")
		r := httptest.NewRequest("GET", "https://example.com/n", nil)
		r.Header[field] = []string{a.value, "nonsense"}
		mux.ServeHTTP(httptest.NewRecorder(), r)
		st.down()
		a.value = strings.Replace(a.value, tokens[0], tokens[len(tokens)-1], 1)
		require.Equal(t, 503, a.get("/n").StatusCode)

		require.Greater(t, len(w.all()), 10)
		told := w.log.String() + fmt.Sprintf("%+v", w.all()) + printed.String()
		for _, token := range tokens {
			_, secret, _ := strings.Cut(token, ".")
			require.NotContains(t, told, secret)
		}
	}
}

// TestPagesAndAPI: pages by cookie and an API by header field, two managers on one
// store with one kind of session.
func TestPagesAndAPI(t *testing.T) {
	st := memstore.New()
	w := newWitness()
	type M = *sesame.Manager[owned]
	pages := sesame.New[owned](sesame.WithStore(st), w.observer())
	apps := sesame.New[owned](sesame.WithStore(st), sesame.WithHeader("Authorization"), w.observer())
	handler := func(m M) http.Handler {
		mux := http.NewServeMux()
		mux.HandleFunc("/user", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, m.Get(r.Context()).User) })
		mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
			m.Renew(r.Context())
			m.Get(r.Context()).User = r.FormValue("user")
		})
		mux.HandleFunc("/logout", func(_ http.ResponseWriter, r *http.Request) { m.Destroy(r.Context()) })
		return m.Handler(mux)
	}
	site := http.NewServeMux()
	site.Handle("/", handler(pages))
	site.Handle("/api/", http.StripPrefix("/api", handler(apps)))
	server := httptest.NewTLSServer(site)
	t.Cleanup(server.Close)
	page := func(path, token string) *response {
		res, err := send(t.Context(), server, "GET", path, token)
		require.NoError(t, err)
		require.NotContains(t, res.Header, "Authorization")
		return res
	}
	app := &app{t: t, client: server.Client(), url: server.URL + "/api", field: "Authorization"}

	// The app is given the browser's own session, the token of its cookie.
	token := tokenOf(page("/login?user=ann", "").Response)
	app.value = "Bearer " + token
	require.Equal(t, "ann", app.get("/user").body)
	require.Equal(t, "ann", page("/user", token).body)

	// What the app changes the page sees, and a renewal is both's.
	app.get("/login?user=bob")
	require.NotEqual(t, "Bearer "+token, app.value)
	require.Equal(t, "", page("/user", token).body, "the cookie's token was replaced")
	require.Equal(t, "bob", page("/user", app.token()).body)
	require.Equal(t, 1, st.Len())

	// A log-out in the page ends the app's session, since it is the same.
	page("/logout", app.token())
	require.Equal(t, "", app.get("/user").body)
	require.Zero(t, st.Len())

	// Else each has its own, and the user's are found from either side.
	cookie := tokenOf(page("/login?user=ann", "").Response)
	app.value = ""
	app.get("/login?user=ann")
	require.Equal(t, 2, st.Len())
	page("/logout", cookie)
	require.Equal(t, "ann", app.get("/user").body, "another session")
	n, err := pages.RevokeOwner(t.Context(), "ann")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, "", app.get("/user").body)

	// Neither listens to the other's carrier.
	app.get("/login?user=ann")
	r := httptest.NewRequest("GET", "https://example.com/user", nil)
	r.Header.Set("Authorization", app.value)
	rec := httptest.NewRecorder()
	site.ServeHTTP(rec, r)
	require.Empty(t, rec.Body.String(), "a page does not look at the field")
	require.Equal(t, []string{"Cookie"}, rec.Header()["Vary"])
	r = httptest.NewRequest("GET", "https://example.com/api/user", nil)
	r.AddCookie(&http.Cookie{Name: "__Host-Http-session_id", Value: app.token()})
	rec = httptest.NewRecorder()
	site.ServeHTTP(rec, r)
	require.Empty(t, rec.Body.String(), "nor the API at the cookie: a page of another site gets nowhere with it")
	require.Equal(t, []string{"Authorization"}, rec.Header()["Vary"])
}
