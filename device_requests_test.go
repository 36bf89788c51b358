package sesame_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/dbsc/dbsctest"
	"github.com/sesame-go/sesame/store/memstore"
)

// fromElsewhere is what a browser sends when a user follows a link on another
// site.
var fromElsewhere = []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Accept", "text/html,*/*;q=0.8"}

// A browser that arrives from another site without its proof loads the page once
// more, and then proves first.
func TestNavigationFromElsewhere(t *testing.T) {
	for name, test := range map[string]struct {
		method, path string
		header       []string
		asked        bool
	}{
		"GET":                  {"GET", "/?a=b&c=%2F", fromElsewhere, true},
		"HEAD":                 {"HEAD", "/", fromElsewhere, true},
		"POST":                 {"POST", "/", fromElsewhere, false},
		"a page that renews":   {"GET", "/login", fromElsewhere, true},
		"a page that destroys": {"GET", "/logout", fromElsewhere, true},
		"does not use it":      {"GET", "/static", fromElsewhere, false},
		"another host of it":   {"GET", "/", append(fromElsewhere[2:6:6], "Sec-Fetch-Site", "same-site"), true},
		"this site":            {"GET", "/", append(fromElsewhere[2:6:6], "Sec-Fetch-Site", "same-origin"), false},
		"typed":                {"GET", "/", append(fromElsewhere[2:6:6], "Sec-Fetch-Site", "none"), false},
		"fetch":                {"GET", "/", append([]string{"Sec-Fetch-Mode", "cors"}, append(fromElsewhere[4:], fromElsewhere[:2]...)...), false},
		"an image":             {"GET", "/", append(fromElsewhere[:4:4], "Accept", "image/*"), false},
		"cannot prove":         {"GET", "/", append(fromElsewhere[:6:6], "Secure-Session-Skipped", "quota_exceeded"), false},
		"another client":       {"GET", "/", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			withDevices(t, func(t *testing.T, c *club, ann *agent) {
				ann.login()
				time.Sleep(10 * time.Minute)
				delete(ann.jar, proofCookie)
				c.st.reset()
				c.w.reset()
				res := ann.do(test.method, test.path, test.header...)
				if !test.asked {
					require.Empty(t, res.Header["Refresh"])
					return
				}
				require.Equal(t, 200, res.StatusCode)
				require.Equal(t, []string{"0;url=" + test.path}, res.Header["Refresh"])
				require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
				require.Empty(t, res.Cookies())
				require.NotContains(t, res.body, "none", "nothing of the handler's")
				require.Equal(t, []string{"load"}, c.st.ops())
				require.Empty(t, c.w.kinds(), "an honest user is not reported")

				require.Equal(t, 200, ann.refresh().StatusCode)
				require.Empty(t, ann.do(test.method, test.path, test.header...).Header["Refresh"])
			})
		})
	}
}

// Whatever the handler does with the session, or with the panic, Handler asks
// the browser.
func TestHandlersAndNavigationFromElsewhere(t *testing.T) {
	for name, handler := range map[string]func(*sesame.Manager[member], http.ResponseWriter, *http.Request){
		"Get":   func(m *sesame.Manager[member], _ http.ResponseWriter, r *http.Request) { m.Get(r.Context()) },
		"Info":  func(m *sesame.Manager[member], _ http.ResponseWriter, r *http.Request) { m.Info(r.Context()) },
		"Prove": func(m *sesame.Manager[member], w http.ResponseWriter, r *http.Request) { m.Prove(w, r) },
		"Load": func(m *sesame.Manager[member], w http.ResponseWriter, r *http.Request) {
			if _, err := m.Load(r.Context()); err != nil {
				http.Error(w, err.Error(), 503)
			}
		},
		"Load, which is ignored": func(m *sesame.Manager[member], w http.ResponseWriter, r *http.Request) {
			_, _ = m.Load(r.Context())
			fmt.Fprint(w, strings.Repeat("of the handler", 1000))
		},
		"Update": func(m *sesame.Manager[member], w http.ResponseWriter, r *http.Request) {
			if err := m.Update(r.Context(), func(*member) error { return nil }); err != nil {
				fmt.Fprint(w, "of the handler")
			}
		},
		"recover": func(m *sesame.Manager[member], w http.ResponseWriter, r *http.Request) {
			defer func() {
				_ = recover()
				w.WriteHeader(500)
			}()
			m.Get(r.Context())
		},
		"written": func(m *sesame.Manager[member], w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "of the handler")
			m.Get(r.Context())
		},
	} {
		t.Run(name, func(t *testing.T) {
			withDevices(t, func(t *testing.T, c *club, ann *agent) {
				ann.login()
				time.Sleep(10 * time.Minute)
				ann.Handler = c.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler(c.m, w, r) }))
				inner := ann.Handler
				ann.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					late := httptest.NewRecorder() // a middleware that sends the header last
					inner.ServeHTTP(late, r)
					maps.Copy(w.Header(), late.Header())
					w.WriteHeader(late.Code)
					_, _ = w.Write(late.Body.Bytes())
				})
				res := ann.do("GET", "/", fromElsewhere...)
				require.Equal(t, 200, res.StatusCode)
				require.Equal(t, "0;url=/", res.Header.Get("Refresh"))
				require.NotContains(t, res.body, "of the handler")
			})
		})
	}
	t.Run("the response has begun", func(t *testing.T) {
		withDevices(t, func(t *testing.T, c *club, ann *agent) {
			ann.login()
			time.Sleep(10 * time.Minute)
			ann.Handler = c.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.NewResponseController(w).Flush()
				fmt.Fprint(w, "for "+c.m.Get(r.Context()).User)
			}))
			require.Equal(t, "for ", ann.do("GET", "/", fromElsewhere...).body)
		})
	})
}

// The page is loaded once more from where it came from, and no other host.
func TestAddressOfTheSecondRequest(t *testing.T) {
	withDevices(t, func(t *testing.T, c *club, ann *agent) {
		ann.login()
		time.Sleep(10 * time.Minute)
		site := http.StripPrefix("/app", c.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { c.m.Get(r.Context()) })))
		for target, want := range map[string]string{
			"/app/x?y":            "/app/x?y",
			"/app//evil.example/": "/app//evil.example/",
			"//evil.example/app":  "/.//evil.example/app",
			`/\evil.example/app`:  `/.` + `/\evil.example/app`,
		} {
			ann.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.RequestURI = target
				site.ServeHTTP(w, r)
			})
			require.Equal(t, "0;url="+want, ann.do("GET", "/app/", fromElsewhere...).Header.Get("Refresh"))
		}
	})
}

func TestProve(t *testing.T) {
	withDevices(t, func(t *testing.T, c *club, ann *agent) {
		require.Equal(t, "changed by ", ann.get("/password"), "an anonymous request has nothing to prove")
		bob := newAgent(t, c)
		bob.do("POST", "/login")
		time.Sleep(time.Minute)
		require.Equal(t, "changed by ann", bob.get("/password"), "nor has a browser that cannot")

		ann.login()
		require.Equal(t, "changed by ann", ann.get("/password"))
		time.Sleep(time.Minute)
		mallory := ann.thief()
		res := ann.do("POST", "/password?a=b")
		require.Equal(t, 307, res.StatusCode)
		require.Equal(t, "/password?a=b", res.Header.Get("Location"))
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
		require.Empty(t, res.body)
		require.NotContains(t, ann.jar, proofCookie, "without it the browser signs before it follows")
		require.Contains(t, ann.jar, sessionCookie)
		require.Equal(t, 200, ann.refresh().StatusCode)
		require.Equal(t, "changed by ann", ann.do("POST", "/password?a=b").body)

		require.Equal(t, 307, mallory.do("POST", "/password").StatusCode)
		require.Equal(t, "changed by ", mallory.do("POST", "/password").body, "she has lost the proof")
		require.Equal(t, "changed by ann", ann.get("/password"))
	})
	t.Run("without binding", func(t *testing.T) {
		m := sesame.New[member](discard())
		visit(m, "", func(w http.ResponseWriter, r *http.Request) { require.True(t, m.Prove(w, r)) })
	})
}

// Bind is for sessions that no log-in has offered.
func TestBind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newSpy(memstore.New())
		m := sesame.New[guest](sesame.WithStore(st), discard(), sesame.WithDeviceBinding(sesame.WithProofPath("/a/b"), sesame.WithProofAlgorithms("ES256")))
		mux := http.NewServeMux()
		mux.HandleFunc("/bind", func(w http.ResponseWriter, r *http.Request) {
			m.Bind(r.Context())
			fmt.Fprint(w, m.Info(r.Context()).Device)
		})
		mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) { m.Renew(r.Context()); m.Get(r.Context()).N++ })
		mux.HandleFunc("/fail", func(w http.ResponseWriter, r *http.Request) { m.Bind(r.Context()); w.WriteHeader(500) })
		ann := newAgent(t, m.Handler(mux))

		res := ann.do("GET", "/bind")
		require.Empty(t, res.Header["Secure-Session-Registration"], "nothing is stored")
		res = ann.do("GET", "/login")
		require.Empty(t, res.Header["Secure-Session-Registration"], "it has no owner")
		require.Empty(t, ann.do("GET", "/fail").Header["Secure-Session-Registration"])
		st.reset()
		res = ann.do("GET", "/bind")
		require.Equal(t, "none", res.body)
		require.Equal(t, []string{"load", "save"}, st.ops())
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
		require.Empty(t, res.Cookies())
		require.True(t, strings.HasPrefix(res.Header.Get("Secure-Session-Registration"), `(ES256);path="/a/b/register";`))

		st.reset()
		res = ann.do("GET", "/bind")
		require.Equal(t, "offered", res.body)
		require.Equal(t, []string{"load"}, st.ops(), "the second offer stores nothing")
		path, challenge := dbsctest.Offer(res.Header)
		require.Equal(t, 200, ann.register(path, challenge).StatusCode)

		res = ann.do("GET", "/bind")
		require.Equal(t, "bound", res.body)
		require.Empty(t, res.Header["Secure-Session-Registration"])
	})
}

// A save by Update, and one after a conflict, carry the offer too.
func TestOffersOfOtherSaves(t *testing.T) {
	for name, act := range map[string]func(c *club, ctx context.Context){
		"Update": func(c *club, ctx context.Context) {
			c.m.Renew(ctx)
			must(c.m.Update(ctx, func(s *member) error { s.User = "ann"; return nil }))
		},
		"Save": func(c *club, ctx context.Context) {
			c.m.Renew(ctx)
			c.m.Get(ctx).User = "ann"
			must(c.m.Save(ctx))
		},
		"conflict": func(c *club, ctx context.Context) {
			c.m.Renew(ctx)
			c.m.Get(ctx).User = "ann"
			must(c.m.UpdateByID(ctx, c.m.Info(ctx).ID, func(s *member) error { s.Visits++; return nil }))
		},
		"sent twice": func(c *club, ctx context.Context) {
			c.m.Renew(ctx)
			c.m.Get(ctx).User = "ann"
			c.st.twice = true
		},
		"reply lost": func(c *club, ctx context.Context) {
			c.m.Renew(ctx)
			c.m.Get(ctx).User = "ann"
			c.st.loses(func() bool { return false })
		},
		"reply lost, seen later": func(c *club, ctx context.Context) {
			away := true
			c.m.Renew(ctx)
			c.m.Get(ctx).User = "ann"
			c.st.loses(func() bool { return away })
			if c.m.Save(ctx) == nil {
				panic("the store is away")
			}
			away = false
		},
	} {
		t.Run(name, func(t *testing.T) {
			withDevices(t, func(t *testing.T, c *club, ann *agent) {
				ann.get("/count")
				ann.Handler = c.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { act(c, r.Context()) }))
				path, challenge := dbsctest.Offer(ann.do("GET", "/").Header)
				ann.Handler = c
				require.Equal(t, "ann offered", ann.get("/"))
				require.Equal(t, 200, ann.register(path, challenge).StatusCode)
				require.Equal(t, "ann bound", ann.get("/"))
			})
		})
	}
	for name, act := range map[string]func(c *club, w http.ResponseWriter, ctx context.Context){
		"failed":    func(_ *club, w http.ResponseWriter, _ context.Context) { w.WriteHeader(500) },
		"destroyed": func(c *club, _ http.ResponseWriter, ctx context.Context) { must(c.m.Save(ctx)); c.m.Destroy(ctx) },
		"revoked": func(c *club, _ http.ResponseWriter, ctx context.Context) {
			must(c.m.Save(ctx))
			must(c.m.Revoke(ctx, c.m.Info(ctx).ID))
			c.m.Get(ctx).Visits++
		},
	} {
		t.Run(name, func(t *testing.T) {
			withDevices(t, func(t *testing.T, c *club, ann *agent) {
				ann.Handler = c.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					c.m.Renew(r.Context())
					c.m.Get(r.Context()).User = "ann"
					act(c, w, r.Context())
				}))
				require.Empty(t, ann.do("GET", "/").Header["Secure-Session-Registration"])
			})
		})
	}
}
