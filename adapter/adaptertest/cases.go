package adaptertest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sesame-go/sesame"
)

type scenario struct {
	name    string
	streams bool
	run     func(*site)
}

// cases are in the order in which an adapter's author meets them.
var cases = []scenario{
	{"untouched", false, untouched},
	{"first visit", false, firstVisit},
	{"read and change", false, readAndChange},
	{"log-in", false, logIn},
	{"log-out", false, logOut},
	{"flash over a redirect", false, flash},
	{"handler's header", false, handlersHeader},
	{"token in the second line", false, secondLine},
	{"another library's session", false, imported},
	{"concurrent changes", false, concurrentChanges},
	{"many clients", false, manyClients},
	{"two managers", false, twoManagers},
	{"mounted twice", false, mountedTwice},
	{"one cookie for two managers", false, oneCookie},
	{"store down", false, storeDown},
	{"failed save", false, failedSave},
	{"failed log-in", false, failedLogIn},
	{"not found", false, notFound},
	{"error", false, handlerError},
	{"log-out and error", false, logOutAndError},
	{"saved before an error", false, savedBeforeError},
	{"saved before a panic", false, savedBeforePanic},
	{"panic", false, panics},
	{"goroutine", false, goroutine},
	{"failed save of a stream", true, failedStream},
	{"late change", true, lateChange},
	{"late session", true, lateSession},
	{"late save fails", true, lateSaveFails},
}

// handlers is in all that a handler writes.
const handlers = "the handler's: "

func ok(format string, args ...any) Answer {
	return Answer{Status: http.StatusOK, Body: handlers + fmt.Sprintf(format, args...)}
}

// times counts a visit and shows the number.
func (s *site) times(ctx context.Context) Answer {
	v := s.sessions.Get(ctx)
	v.Times++
	return ok("%d times", v.Times)
}

func (s *site) show(ctx context.Context) Answer {
	v := s.sessions.Get(ctx)
	return ok("%s %d times", v.User, v.Times)
}

func untouched(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{
		"/plain": func(context.Context) Answer { return ok("plain") },
		"/count": s.times,
	})
	for _, step := range []string{"without a token", "with one"} {
		before := s.store.calls.Load()
		a := c.fetch("/plain", "plain")
		a.same(c, "the handler did not touch the session")
		if a.Header.Get("Vary") != "" || a.Header.Get("Cache-Control") != "" {
			s.Errorf("%s: Vary is %q, Cache-Control %q, though the handler did not touch the session", step, a.Header.Get("Vary"), a.Header.Get("Cache-Control"))
		}
		if n := s.store.calls.Load() - before; n > 0 {
			s.Errorf("%s: %d calls of the store, though the handler did not touch the session", step, n)
		}
		c.fetch("/count", "times")
	}
}

func firstVisit(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{"/count": s.times, "/show": s.show})
	a := c.fetch("/show", "0 times")
	a.same(c, "a session that stays zero is not stored")
	a.varies(c)
	s.empty("the session stayed zero")

	a = c.fetch("/count", "1 times")
	a.gives(c)
	a.varies(c)
	if got := s.stored(); got.Data.Times != 1 {
		s.Errorf("stored is %+v, want Times 1", got.Data)
	}
}

func readAndChange(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{"/count": s.times, "/show": s.show})
	c.fetch("/count", "1 times")
	saves := s.store.saves.Load()
	a := c.fetch("/show", "1 times")
	a.same(c, "the session was only read")
	a.varies(c)
	if n := s.store.saves.Load() - saves; n > 0 {
		s.Errorf("%d saves of a session that was only read", n)
	}
	a = c.fetch("/count", "2 times")
	a.same(c, "a change keeps the token")
	a.varies(c)
	if n := s.store.saves.Load() - saves; n != 1 {
		s.Errorf("%d saves of a change, want 1", n)
	}
	c.fetch("/show", "2 times")
}

func logIn(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{
		"/count": s.times, "/show": s.show,
		"/login": func(ctx context.Context) Answer {
			s.sessions.Get(ctx).User = "ann"
			s.sessions.Renew(ctx)
			return ok("welcome")
		},
	})
	c.fetch("/count", "1 times")
	visitor, id := c.copied(), s.stored().ID
	c.fetch("/login", "welcome").gives(c)
	c.fetch("/show", "ann 1 times")
	if got := s.stored(); got.ID != id || got.Owner != "ann" {
		s.Errorf("after the log-in the session is %s of %q, want %s of ann", got.ID, got.Owner, id)
	}
	visitor.fetch("/show", handlers+" 0 times").same(c, "a token that was replaced gets no new one")
}

func logOut(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{
		"/count": s.times, "/show": s.show,
		"/logout": func(ctx context.Context) Answer {
			s.sessions.Destroy(ctx)
			return ok("bye")
		},
	})
	c.fetch("/count", "1 times")
	copied := c.copied()
	c.fetch("/logout", "bye").takes(c)
	s.empty("the session was destroyed")
	copied.fetch("/show", "0 times")
}

func flash(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{
		"/save": func(ctx context.Context) Answer {
			v := s.sessions.Get(ctx)
			v.Flash = append(v.Flash, "Saved.")
			return Answer{Status: http.StatusSeeOther, Location: "/page", Body: handlers}
		},
		"/page": func(ctx context.Context) Answer {
			var messages []string
			err := s.sessions.Update(ctx, func(v *Session) error {
				messages, v.Flash = v.Flash, nil
				return nil
			})
			if err != nil {
				s.Error(err)
			}
			return ok("%q", messages)
		},
	})
	c.fetch("/save", "").gives(c)
	c.fetch("/page", `["Saved."]`)
	c.fetch("/page", `[]`)
}

// handlersHeader has the handler allow caches what a token forbids.
func handlersHeader(s *site) {
	h := http.Header{"Cache-Control": {"public, max-age=60"}, "Surrogate-Control": {"max-age=60"}, "Vary": {"Accept-Language"}, "X-Own": {"1"}}
	c := s.serve(map[string]func(context.Context) Answer{
		"/count": func(ctx context.Context) Answer {
			a := s.times(ctx)
			a.Header = h.Clone()
			return a
		},
	})
	a := c.fetch("/count", "1 times")
	a.gives(c)
	if got := a.Header.Get("Surrogate-Control"); got != "" {
		s.Errorf("Surrogate-Control is %q: some caches obey it in place of Cache-Control", got)
	}
	for range 2 {
		if got := a.Header.Values("X-Own"); !slices.Equal(got, h["X-Own"]) {
			s.Errorf("X-Own is %q, want the handler's %q", got, h["X-Own"])
		}
		if got := strings.Join(a.Header.Values("Vary"), ","); !strings.Contains(got, "Accept-Language") {
			s.Errorf("Vary is %q, which lacks the handler's %q", got, h["Vary"])
		}
		a.varies(c)
		a = c.fetch("/count", "times")
		if got := a.Header.Values("Cache-Control"); !slices.Equal(got, h["Cache-Control"]) {
			s.Errorf("Cache-Control is %q, want the handler's %q: the response has no token", got, h["Cache-Control"])
		}
	}
}

// secondLine sends the token behind another line of the same field, as HTTP/2 has
// clients send their cookies.
func secondLine(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{"/count": s.times})
	c.fetch("/count", "1 times")
	c.first = "other=1"
	c.fetch("/count", "2 times").same(c, "the request has its token")
}

// imported finds another library's session by what the adapter tells of the
// request.
func imported(s *site) {
	var asked *http.Request
	s.sessions = s.manager(sesame.WithImport(func(r *http.Request) (sesame.Import[Session], bool) {
		asked = r
		return sesame.Import[Session]{Token: r.Header.Get("X-Old"), Session: Session{Times: 41}}, true
	}))
	c := s.serve(map[string]func(context.Context) Answer{"/count": s.times})
	c.old = "another library's token"
	c.fetch("/count", "42 times").gives(c)
	if asked.URL == nil || asked.Method != c.sent.Method || asked.Host != c.sent.URL.Host || asked.URL.Path != c.sent.URL.Path {
		s.Errorf("the function of WithImport is asked about %s %s of %q, want %s %s of %q", asked.Method, asked.URL, asked.Host, c.sent.Method, c.sent.URL.Path, c.sent.URL.Host)
	}
}

func twoManagers(s *site) {
	var other *sesame.Manager[Session]
	if len(s.carrier) > 0 {
		other = sesame.New[Session](sesame.WithHeader(plainField + "-Admin"))
	} else {
		other = sesame.New[Session](sesame.WithCookie(http.Cookie{Name: "admin"}))
	}
	url := s.framework.Serve(s.T, s.dispatch(map[string]func(context.Context) Answer{
		"/both": func(ctx context.Context) Answer {
			a, b := s.sessions.Get(ctx), other.Get(ctx)
			a.Times++
			b.Times += 10
			return ok("%d and %d times", a.Times, b.Times)
		},
	}), other, s.sessions)
	c := &client{site: s, url: url, tokens: map[string]string{}}
	a := c.fetch("/both", "1 and 10 times")
	if len(a.given) != 2 {
		s.Errorf("the response gives %d tokens, want one of each manager", len(a.given))
	}
	a.private(c)
	c.fetch("/both", "2 and 20 times").same(c, "a change keeps the token")
}

func mountedTwice(s *site) {
	url := s.framework.Serve(s.T, s.dispatch(map[string]func(context.Context) Answer{"/count": s.times}), s.sessions, s.sessions)
	c := &client{site: s, url: url, tokens: map[string]string{}}
	c.fetch("/count", "1 times").gives(c)
	c.fetch("/count", "2 times")
	if n := s.store.saves.Load(); n != 2 {
		s.Errorf("%d saves of two changes: the second mount must do nothing", n)
	}
}

// oneCookie demands that a program which would log its visitors out by itself is
// told.
func oneCookie(s *site) {
	called := false
	url := s.framework.Serve(s.T, func(context.Context, string) Answer {
		called = true
		return ok("")
	}, s.manager(), s.sessions)
	c := &client{site: s, url: url, tokens: map[string]string{}}
	if a := c.get("/"); called || a != nil && a.StatusCode < 500 {
		s.Errorf("two managers use one cookie or header field, one inside the other, and the request is answered by %v, want a panic", a)
	}
}
