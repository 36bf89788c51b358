package browser_test

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/dbsc"
)

// Every form of log-in offers the registration.
func TestDeviceOffer(t *testing.T) {
	for name, login := range map[string]func(s *site, b tab){
		"page":                func(s *site, b tab) { require.Equal(t, "ann none", b.visit(s.url+"/login")) },
		"form, 303":           func(s *site, b tab) { b.visit(s.url); require.Contains(t, b.submit(), "ann ") },
		"fetch":               func(s *site, b tab) { b.visit(s.url); b.fetch("/login/fetch", `{method: "POST"}`) },
		"log-in after log-in": func(s *site, b tab) { b.visit(s.url + "/login"); b.visit(s.url + "/login") },
	} {
		t.Run(name, func(t *testing.T) {
			s, b := bound(t), newWindow(t)
			login(s, b)
			s.await(register + " 200")
			require.Equal(t, "ann bound", b.visit(s.url))
		})
	}
}

// parts returns the header and the claims of a JWT.
func parts(t *testing.T, jwt string) (header, claims map[string]any) {
	for i, part := range strings.Split(jwt, ".")[:2] {
		data, err := base64.RawURLEncoding.DecodeString(part)
		require.NoError(t, err, jwt)
		require.NoError(t, json.Unmarshal(data, []any{&header, &claims}[i]))
	}
	return header, claims
}

// A registration sends a key and the signed challenge, and receives the proof.
func TestDeviceRegistration(t *testing.T) {
	s := bound(t)
	b := s.window()
	r := s.await(register + " 200")
	require.Equal(t, "0", r.header.Get("Content-Length"))
	require.Contains(t, r.header.Get("Cookie"), sessionCookie+"=")
	require.NotContains(t, r.header[dbsc.HeaderResponse][0], `"`)
	header, claims := parts(t, r.header.Get(dbsc.HeaderResponse))
	require.Equal(t, "ES256", header["alg"])
	require.Equal(t, "dbsc+jwt", header["typ"])
	require.Equal(t, "P-256", header["jwk"].(map[string]any)["crv"])
	offer := s.await("GET /login 200").answer.Get(dbsc.HeaderRegistration)
	require.Equal(t, map[string]any{"jti": claims["jti"]}, claims)
	require.Contains(t, offer, fmt.Sprintf(`;challenge="%s"`, claims["jti"]))

	require.Equal(t, "ann bound", b.visit(s.url))
	proof := b.cookie(proofCookie)
	require.True(t, proof.HTTPOnly)
	require.InDelta(t, time.Now().Add(590*time.Second).Unix(), proof.Expires, 60)
}

// A refresh first receives a challenge, and then sends it signed.
func TestDeviceRefresh(t *testing.T) {
	s := bound(t)
	b := s.window()
	b.expire(s.url)
	s.forget()
	require.Equal(t, "ann bound", b.visit(s.url))
	require.Equal(t, []string{refresh + " 403", refresh + " 200", "GET / 200"}, s.asked())
	asks, proves := s.all()[0], s.all()[1]
	id, _, _ := strings.Cut(b.cookie(sessionCookie).Value, ".")
	for _, r := range []request{asks, proves} {
		require.Equal(t, []string{id}, r.header[dbsc.HeaderID], "not quoted")
	}
	require.Empty(t, asks.header[dbsc.HeaderResponse])
	header, claims := parts(t, proves.header.Get(dbsc.HeaderResponse))
	require.NotContains(t, header, "jwk")
	require.Equal(t, fmt.Sprintf(`"%s";id="%s"`, claims["jti"], id), asks.answer.Get(dbsc.HeaderChallenge))
}

// Every request that needs the proof waits for it.
func TestRequestsWaitForTheProof(t *testing.T) {
	for name, test := range map[string]struct{ script, want string }{
		"fetch":     {`fetch("/count").then(res => res.text())`, "ann 1"},
		"POST":      {`fetch("/echo", {method: "POST", body: "x".repeat(3)}).then(res => res.text())`, "ann xxx"},
		"WebSocket": {`new Promise(done => { const s = new WebSocket("wss://" + location.host + "/socket"); s.onmessage = e => done(e.data); s.onerror = () => done("error") })`, "hello ann"},
	} {
		t.Run(name, func(t *testing.T) {
			s := bound(t)
			b := s.window()
			b.expire(s.url)
			s.forget()
			require.Equal(t, test.want, eval[string](b, test.script))
			require.Equal(t, []string{refresh + " 403", refresh + " 200"}, s.asked()[:2])
		})
	}
	tenAtOnce := func(s *site, b tab) []string {
		later(begun)
		s.forget()
		sum := eval[int](b, `Promise.all(Array.from({length: 10}, () => fetch("/count").then(res => res.text()))).then(all =>
			all.map(s => +s.replace("ann ", "")).reduce((a, b) => a + b))`)
		require.Equal(t, 1+2+3+4+5+6+7+8+9+10, sum, "all are ann's")
		return s.asked()
	}
	t.Run("ten at once", func(t *testing.T) {
		s := bound(t)
		b := s.window()
		b.expire(s.url)
		want := append([]string{refresh + " 403", refresh + " 200"}, slices.Repeat([]string{"GET /count 200"}, 10)...)
		require.Equal(t, want, tenAtOnce(s, b))
	})
	t.Run("ten over an expiry in real time", func(t *testing.T) {
		s := bound(t, sesame.WithDeviceBinding(sesame.WithProofLifetime(4*time.Second)))
		b := s.window()
		b.await(func() bool { return b.cookie(proofCookie) == nil })
		asked := tenAtOnce(s, b)
		require.Equal(t, []string{refresh + " 403", refresh + " 200"}, asked[:2])
		signed := slices.DeleteFunc(asked, func(what string) bool { return what != refresh+" 200" })
		require.LessOrEqual(t, len(signed), 2, "one for all, and one because so short a proof is refreshed at once")
	})
	t.Run("form", func(t *testing.T) {
		s := bound(t)
		b := s.window()
		require.Equal(t, "ann bound", b.visit(s.url))
		b.expire(s.url)
		s.forget()
		require.Equal(t, "ann bound", b.submit())
		require.Equal(t, []string{refresh + " 403", refresh + " 200", "POST /login 303", "GET / 200"}, s.asked())
	})
}

// The browser refreshes a proof of two minutes or less after each request, so sesame
// refuses lifetimes shorter than three minutes.
func TestShortProofsAreRefreshedAtOnce(t *testing.T) {
	for lifetime, refreshed := range map[time.Duration]bool{2 * time.Minute: true, 3 * time.Minute: false} {
		t.Run(lifetime.String(), func(t *testing.T) {
			s := bound(t, sesame.WithDeviceBinding(sesame.WithProofLifetime(lifetime)))
			b := s.window()
			s.forget()
			require.Equal(t, "ann bound", b.visit(s.url))
			if refreshed {
				s.await(refresh + " 200")
				return
			}
			require.Equal(t, "ann bound", b.visit(s.url))
			require.Equal(t, []string{"GET / 200", "GET / 200"}, s.asked())
		})
	}
}

// After six signatures in nine minutes the browser sends requests without the proof,
// and says why.
func TestQuotaOfSignatures(t *testing.T) {
	s := bound(t)
	b := s.window()
	for range 5 {
		b.expire(s.url)
		require.Equal(t, "ann bound", b.visit(s.url))
	}
	b.expire(s.url)
	later(begun)
	s.forget()
	require.Equal(t, "anonymous none", b.visit(s.url))
	r := s.await("GET / 200")
	id, _, _ := strings.Cut(b.cookie(sessionCookie).Value, ".")
	require.Equal(t, `quota_exceeded;session_identifier="`+id+`"`, r.header.Get(dbsc.HeaderSkipped))
}

// refusing answers refreshes with a status, while one is set.
type refusing struct {
	http.Handler
	status atomic.Int64
}

func (h *refusing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status := h.status.Load(); status != 0 && r.URL.Path == "/session-device/refresh" {
		w.WriteHeader(int(status))
		return
	}
	h.Handler.ServeHTTP(w, r)
}

// The browser keeps its key after an answer of 5xx. Answers other than that, 200 and
// 403 end its session, so sesame uses them only after the session has ended.
func TestAnswersToRefreshes(t *testing.T) {
	for status, kept := range map[int64]bool{500: true, 503: true, 400: false, 401: false, 404: false, 429: false} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			h := &refusing{Handler: members(sesame.New[member](sesame.WithDeviceBinding()))}
			s := serve(t, h)
			b := s.window()
			b.expire(s.url)
			later(begun)
			h.status.Store(status)
			require.Equal(t, "anonymous none", b.visit(s.url))
			h.status.Store(0)
			s.forget()
			if kept {
				b.await(func() bool { return b.visit(s.url) == "ann bound" })
				return
			}
			require.Equal(t, "anonymous none", b.visit(s.url))
			require.Equal(t, []string{"GET / 200"}, s.asked())
		})
	}
}

// After a log-out the browser asks for at most one refresh, which ends its
// session.
func TestDeviceAndLogOut(t *testing.T) {
	for path, refreshes := range map[string][]string{"/logout": {refresh + " 404"}, "/logout?clear=1": {}} {
		t.Run(path, func(t *testing.T) {
			s := bound(t)
			b := s.window()
			s.forget()
			b.visit(s.url + path)
			require.Empty(t, b.cookies())
			require.Equal(t, "anonymous none", b.visit(s.url))
			require.Equal(t, "anonymous none", b.visit(s.url))
			require.Equal(t, refreshes, slices.DeleteFunc(s.asked(), func(what string) bool { return strings.HasPrefix(what, "GET") }))

			require.Equal(t, "ann none", b.visit(s.url+"/login"))
			s.await(register + " 200")
			require.Equal(t, "ann bound", b.visit(s.url))
		})
	}
}

// Prove asks for a new signature, and the form then arrives with its body.
func TestProveInTheBrowser(t *testing.T) {
	s := bound(t)
	b := s.window()
	later(time.Minute)
	s.forget()
	require.Equal(t, "ann secret", b.fetch("/password", `{method: "POST", body: new URLSearchParams({new: "secret"})}`))
	require.Equal(t, []string{"POST /password 307", refresh + " 403", refresh + " 200", "POST /password 200"}, s.asked())
}

// A link on another site, or on another host of this site, cannot make the browser
// prove its key, so the page reloads itself.
func TestLinkFromAnotherSite(t *testing.T) {
	for name, test := range map[string]struct {
		path, host string // of the page with the link; "" is the host of another site
		asked      []string
	}{
		"front page":      {"/", "", []string{"GET / 200", refresh + " 403", refresh + " 200", "GET / 200"}},
		"page":            {"/count?a=%2F", "", []string{"GET /count 200", refresh + " 403", refresh + " 200", "GET /count 200"}},
		"fragment":        {"/#part", "", []string{"GET / 200", refresh + " 403", refresh + " 200", "GET / 200"}},
		"subdomain":       {"/", "//www.site", []string{"GET / 200", refresh + " 403", refresh + " 200", "GET / 200"}},
		"the same origin": {"/", "//site", []string{refresh + " 403", refresh + " 200", "GET / 200"}},
	} {
		t.Run(name, func(t *testing.T) {
			var link string
			mux := http.NewServeMux()
			mux.Handle("/", members(sesame.New[member](sesame.WithDeviceBinding())))
			mux.HandleFunc("/link", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				fmt.Fprintf(w, `<link rel="icon" href="data:,"><a href="%s">link</a>`, link)
			})
			s := serve(t, mux)
			link = s.url + test.path
			b := s.window()
			b.visit(strings.Replace(s.url, "//site", cmp.Or(test.host, "//other"), 1) + "/link")
			b.expire(s.url)
			later(begun)
			s.forget()
			b.followLink("ann ")
			require.Equal(t, test.asked, s.asked())
			if test.host == "" {
				require.Equal(t, "cross-site", s.all()[0].header.Get("Sec-Fetch-Site"))
				require.Equal(t, "same-origin", s.all()[3].header.Get("Sec-Fetch-Site"))
			}
		})
	}
}

// altered changes the instructions that a browser gets at a registration.
func altered(before, after string) http.Handler {
	h := members(sesame.New[member](sesame.WithDeviceBinding()))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/session-device/") {
			h.ServeHTTP(w, r)
			return
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		for name, values := range rec.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(rec.Code)
		fmt.Fprint(w, strings.Replace(rec.Body.String(), before, after, 1))
	})
}

// The instructions must have the cookie's own attributes: with others the browser
// refreshes the cookie for every request, or does not register.
func TestInstructions(t *testing.T) {
	t.Run("as they are", func(t *testing.T) {
		s := serve(t, altered("", ""))
		b := s.window()
		s.forget()
		for range 3 {
			require.Equal(t, "ann bound", b.visit(s.url))
		}
		require.Equal(t, []string{"GET / 200", "GET / 200", "GET / 200"}, s.asked())
	})
	t.Run("other attributes", func(t *testing.T) {
		s := serve(t, altered("SameSite=Lax", "SameSite=Strict"))
		b := s.window()
		s.forget()
		for range 2 {
			require.Equal(t, "ann bound", b.visit(s.url))
		}
		require.Equal(t, []string{refresh + " 403", refresh + " 200", "GET / 200", refresh + " 403", refresh + " 200", "GET / 200"}, s.asked())
	})
	for name, change := range map[string][2]string{
		"Partitioned":  {"SameSite=Lax", "SameSite=None; Partitioned"},
		"include_site": {`"include_site":false`, `"include_site":true`},
		"__Host-Http-": {proofCookie, sessionCookie + "_device"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, altered(change[0], change[1]))
			s.url = strings.Replace(s.url, "//", "//www.", 1) // include_site is for all hosts of a site
			b := s.window()
			b.expire(s.url)
			s.forget()
			b.visit(s.url)
			require.Equal(t, []string{"GET / 200"}, s.asked(), "the browser has not registered the session")
		})
	}
}
