package sesame_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// What befalls a user at a browser: HTTPS, and a jar of cookies.

// pagesOf has the pages of a small program.
func pagesOf(m *sesame.Manager[guest]) http.Handler {
	mux := http.NewServeMux()
	page := func(path string, f func(ctx context.Context, s *guest)) {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			s := m.Get(r.Context())
			f(r.Context(), s)
			fmt.Fprint(w, s.User, s.N)
		})
	}
	page("/me", func(context.Context, *guest) {})
	page("/count", func(_ context.Context, s *guest) { s.N++ })
	page("/login", func(ctx context.Context, s *guest) { m.Renew(ctx); s.User = "ann" })
	page("/logout", func(ctx context.Context, _ *guest) { m.Destroy(ctx) })
	return m.Handler(mux)
}

func body(c *sesametest.Client, path string) string {
	_, text := c.Get(path)
	return text
}

// at gets a page of another host of the site.
func at(t *testing.T, c *sesametest.Client, url string) (*http.Response, string) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	return c.Do(r)
}

// A browser has two live sessions under one name, of cookies of two scopes,
// and cannot drop either for the other. A log-out ends both, and a log-in gets
// the user out of it.
func TestCookiesOfTwoScopes(t *testing.T) {
	for _, way := range []string{"/logout", "/login"} {
		t.Run(way, func(t *testing.T) {
			eachStore(t, func(t *testing.T, engine *memstore.Store, _ *spy, with sesame.Option) {
				narrow := pagesOf(sesame.New[guest](with, discard(), sesame.WithCookie(http.Cookie{Name: "id"})))
				wide := pagesOf(sesame.New[guest](with, discard(), sesame.WithCookie(http.Cookie{Name: "id", Domain: "example.com"})))
				var deployed atomic.Bool
				c := sesametest.NewClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if deployed.Load() {
						wide.ServeHTTP(w, r)
					} else {
						narrow.ServeHTTP(w, r)
					}
				}))
				at(t, c, "https://www.example.com/login")
				deployed.Store(true) // the Domain is new
				at(t, c, "https://shop.example.com/login")
				require.Equal(t, 2, engine.Len())
				_, text := at(t, c, "https://www.example.com/me")
				require.Equal(t, "0", text, "ambiguous")

				res, _ := at(t, c, "https://www.example.com"+way)
				require.Equal(t, 200, res.StatusCode)
				require.Len(t, res.Cookies(), 1)
				if way == "/logout" {
					require.Equal(t, -1, res.Cookies()[0].MaxAge)
					require.Zero(t, engine.Len())
					for _, host := range []string{"www", "shop"} {
						_, text = at(t, c, "https://"+host+".example.com/me")
						require.Equal(t, "0", text)
					}
					return
				}
				require.Equal(t, 1, engine.Len())
				for range 3 {
					_, text = at(t, c, "https://www.example.com/me")
					require.Equal(t, "ann0", text, "whatever else the browser goes on sending")
				}
				at(t, c, "https://www.example.com/login")
				_, text = at(t, c, "https://www.example.com/me")
				require.Equal(t, "ann0", text)
			})
		})
	}
}

// A page's background request left before the log-in and is served after it.
// The browser must still have the log-in's cookie then.
func TestLateBackgroundRequest(t *testing.T) {
	eachStore(t, func(t *testing.T, engine *memstore.Store, _ *spy, with sesame.Option) {
		arrived, goOn := make(chan struct{}), make(chan struct{})
		inner := pagesOf(sesame.New[guest](with, discard()))
		c := sesametest.NewClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/count" && r.URL.RawQuery == "late" {
				close(arrived)
				<-goOn
			}
			inner.ServeHTTP(w, r)
		}))
		require.Equal(t, "1", body(c, "/count"))
		done := make(chan *http.Response)
		go func() {
			res, _ := c.Get("/count?late")
			done <- res
		}()
		<-arrived
		require.Equal(t, "ann1", body(c, "/login"))
		close(goOn)
		late := <-done
		require.Equal(t, 200, late.StatusCode)
		require.Empty(t, late.Cookies())
		require.Equal(t, "ann1", body(c, "/me"))
		require.Equal(t, 1, engine.Len())
	})
}

// The store renews the session, and its answer is lost with the connection.
func TestLogInWhoseReplyIsLost(t *testing.T) {
	eachStore(t, func(t *testing.T, engine *memstore.Store, st *spy, with sesame.Option) {
		c := sesametest.NewClient(t, pagesOf(sesame.New[guest](with, discard(), sesame.WithStoreTimeout(time.Second))))
		body(c, "/count")
		st.loses(func() bool { return false })
		require.Equal(t, "ann1", body(c, "/login"))
		require.Equal(t, "ann1", body(c, "/me"))

		failures := 0
		st.loses(func() bool { failures++; return failures < 4 }) // it is back a little later
		require.Equal(t, "ann1", body(c, "/login"))
		require.Equal(t, "ann1", body(c, "/me"))
		require.Equal(t, 1, engine.Len())

		st.before, st.after = func(op string, _ store.Key) error {
			if op == "save" {
				return errReset // it was not carried out
			}
			return nil
		}, nil
		res, _ := c.Get("/login")
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
		require.Equal(t, "ann1", body(c, "/me"), "the old token works on")
	})
}

// The handler takes longer than the http.TimeoutHandler around it allows: what
// the client cannot learn of is not carried out.
func TestLogInThatTakesTooLong(t *testing.T) {
	for _, known := range []bool{true, false} {
		t.Run(fmt.Sprintf("known=%t", known), func(t *testing.T) {
			eachStore(t, func(t *testing.T, engine *memstore.Store, _ *spy, with sesame.Option) {
				w := newWitness()
				m := sesame.New[guest](with, discard(), w.observer())
				ended := make(chan struct{})
				slow := m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					s := m.Get(r.Context())
					<-r.Context().Done()
					if known {
						m.Renew(r.Context())
					}
					s.User = "ann"
				}))
				slow = http.TimeoutHandler(around(slow, func() { close(ended) }), 50*time.Millisecond, "too slow")
				pages := pagesOf(m)
				c := sesametest.NewClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/slow" {
						slow.ServeHTTP(w, r)
					} else {
						pages.ServeHTTP(w, r)
					}
				}))
				want, sessions := "0", 0
				if known {
					want, sessions = "1", 1
					body(c, "/count")
				}
				res, text := c.Get("/slow")
				require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
				require.Equal(t, "too slow", text)
				<-ended
				require.Equal(t, want, body(c, "/me"))
				require.Equal(t, sessions, engine.Len())
				require.Equal(t, 1, w.count(sesame.EventLate))
			})
		})
	}
}

func around(h http.Handler, after func()) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer after()
		h.ServeHTTP(w, r)
	})
}

// A stream knows its session by its ID, and asks for it now and then. The user
// gives the password once more in another tab.
func TestStreamAcrossRenewal(t *testing.T) {
	eachStore(t, func(t *testing.T, _ *memstore.Store, _ *spy, with sesame.Option) {
		m := sesame.New[guest](with, discard())
		pages := pagesOf(m)
		tick, said := make(chan struct{}), make(chan error)
		c := sesametest.NewClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/stream" {
				pages.ServeHTTP(w, r)
				return
			}
			m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				id := m.Info(r.Context()).ID
				must(http.NewResponseController(w).Flush())
				for range tick {
					_, err := m.Find(r.Context(), id)
					if err == nil {
						err = m.UpdateByID(r.Context(), id, func(s *guest) error { s.N++; return nil })
					}
					said <- err
				}
			})).ServeHTTP(w, r)
		}))
		look := func() error { tick <- struct{}{}; return <-said }
		body(c, "/login")
		done := make(chan struct{})
		go func() { defer close(done); c.Get("/stream") }()
		require.NoError(t, look())
		require.Equal(t, "ann1", body(c, "/login"))
		require.NoError(t, look())
		require.Equal(t, "ann2", body(c, "/me"))
		body(c, "/logout")
		require.ErrorIs(t, look(), sesame.ErrNotFound)
		close(tick)
		<-done
	})
}

// The user logs out at a program that cannot read the session.
func TestLogOutOfUnreadableSession(t *testing.T) {
	eachStore(t, func(t *testing.T, engine *memstore.Store, _ *spy, with sesame.Option) {
		writer := pagesOf(sesame.New[guest](with, discard(), sesame.WithCodec(newNoted())))
		reader := pagesOf(sesame.New[guest](with, discard()))
		var atReader atomic.Bool
		c := sesametest.NewClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if atReader.Load() {
				reader.ServeHTTP(w, r)
			} else {
				writer.ServeHTTP(w, r)
			}
		}))
		body(c, "/login")
		atReader.Store(true)
		require.Equal(t, "0", body(c, "/me"))
		require.Equal(t, "1", body(c, "/count"), "shown, and stored nowhere")
		atReader.Store(false)
		require.Equal(t, "ann0", body(c, "/me"), "the writer's session is as it was")
		atReader.Store(true)
		cookie := c.Cookies("/")
		res, _ := c.Get("/logout")
		require.Equal(t, -1, res.Cookies()[0].MaxAge)
		require.Empty(t, c.Cookies("/"))
		require.Zero(t, engine.Len())
		atReader.Store(false)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/me", nil)
		require.NoError(t, err)
		r.AddCookie(cookie[0])
		_, text := c.Do(r)
		require.Equal(t, "0", text)
	})
}

// A double click: two log-ins with one token. Whichever answer says success
// comes with a session that is logged in, and one session is left.
func TestDoubleClickedLogIn(t *testing.T) {
	eachStore(t, func(t *testing.T, engine *memstore.Store, _ *spy, with sesame.Option) {
		m := sesame.New[guest](with, discard())
		var loaded sync.WaitGroup
		loaded.Add(2)
		pages := pagesOf(m)
		c := sesametest.NewClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/both" {
				pages.ServeHTTP(w, r)
				return
			}
			m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s := m.Get(r.Context())
				loaded.Done()
				loaded.Wait()
				m.Renew(r.Context())
				s.User = "ann"
				io.WriteString(w, "welcome")
			})).ServeHTTP(w, r)
		}))
		body(c, "/count")
		var done sync.WaitGroup
		var mu sync.Mutex
		answers := make(map[int]string)
		var cookies []int // the statuses of answers that set one
		for range 2 {
			done.Go(func() {
				res, text := c.Get("/both")
				mu.Lock()
				defer mu.Unlock()
				answers[res.StatusCode] = text
				if tokenOf(res) != "" {
					cookies = append(cookies, res.StatusCode)
				}
			})
		}
		done.Wait()
		require.Equal(t, map[int]string{200: "welcome", 409: "Conflict\n"}, answers)
		require.Equal(t, []int{200}, cookies)
		require.Equal(t, "ann1", body(c, "/me"))

		old := c.Cookies("/")[0].Value
		require.Equal(t, "ann1", body(c, "/login"))
		res, text := c.Do(func() *http.Request { // the second click, which came a moment later
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/login", nil)
			require.NoError(t, err)
			c.HTTP.Jar.SetCookies(r.URL, []*http.Cookie{{Name: "__Host-Http-session_id", Value: old, Path: "/", Secure: true}})
			return r
		}())
		require.Equal(t, 200, res.StatusCode)
		require.Equal(t, "ann0", text, "it begins with nothing")
		require.Equal(t, "ann0", body(c, "/me"))
		require.Equal(t, 1, engine.Len())
	})
}

// An administrator ends the session while a log-in that began with it is
// checked.
func TestRevokedDuringLogIn(t *testing.T) {
	eachStore(t, func(t *testing.T, engine *memstore.Store, _ *spy, with sesame.Option) {
		m := sesame.New[guest](with, discard())
		pages := pagesOf(m)
		c := sesametest.NewClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s := m.Get(r.Context())
					must(m.Revoke(context.Background(), m.Info(r.Context()).ID))
					m.Renew(r.Context())
					s.User = "ann"
					http.Redirect(w, r, "/me", http.StatusSeeOther)
				})).ServeHTTP(w, r)
				return
			}
			pages.ServeHTTP(w, r)
		}))
		body(c, "/count")
		res, text := c.Get("/slow")
		require.Equal(t, http.StatusConflict, res.StatusCode)
		require.Equal(t, "Conflict\n", text)
		require.Zero(t, engine.Len())
	})
}

// What a client may do that knows a visitor's token of before the log-in, and
// the session's name.
func TestPlantedToken(t *testing.T) {
	eachStore(t, func(t *testing.T, engine *memstore.Store, _ *spy, with sesame.Option) {
		victim := sesametest.NewClient(t, pagesOf(sesame.New[guest](with, discard())))
		body(victim, "/count")
		planted := victim.Cookies("/")[0]
		attack := func(path string) string {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com"+path, nil)
			require.NoError(t, err)
			r.AddCookie(planted)
			_, text := victim.Another().Do(r)
			return text
		}
		require.Equal(t, "2", attack("/count"), "before the log-in it is the attacker's as well")
		require.Equal(t, "ann2", body(victim, "/login"))
		for _, path := range []string{"/me", "/count"} {
			require.NotContains(t, attack(path), "ann")
		}
		require.Equal(t, "ann2", body(victim, "/me"))
		planted.Value = planted.Value[:23] + strings.Repeat("A", 22)
		require.Equal(t, "0", attack("/logout"))
		require.Equal(t, "ann2", body(victim, "/me"), "the name alone ends nothing")
		require.Equal(t, 1, engine.Len())
	})
}
