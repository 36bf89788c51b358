package adaptertest

import (
	"context"
	"net/http"
	"sync"

	"github.com/sesame-go/sesame"
)

func storeDown(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{
		"/count": s.times,
		"/recovers": func(ctx context.Context) (a Answer) {
			defer func() {
				_ = recover()
				a = ok("recovered")
			}()
			return s.times(ctx)
		},
		"/loads": func(ctx context.Context) Answer {
			_, err := s.sessions.Load(ctx)
			return ok("err != nil: %t", err != nil)
		},
	})
	c.fetch("/count", "1 times")
	s.store.loadsFail.Store(true)
	c.get("/count").failed(c, http.StatusServiceUnavailable)
	c.get("/recovers").failed(c, http.StatusServiceUnavailable)
	c.fetch("/loads", "err != nil: true") // the handler's own affair
	s.store.loadsFail.Store(false)
	c.fetch("/count", "2 times")
}

func failedSave(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{
		"/count": s.times, "/show": s.show,
		"/redirect": func(ctx context.Context) Answer {
			s.sessions.Get(ctx).Times++
			return Answer{Status: http.StatusSeeOther, Header: http.Header{"X-Own": {"1"}}, Location: "/show", Body: handlers}
		},
	})
	s.store.saveFail.Store(true)
	c.get("/count").failed(c, http.StatusServiceUnavailable)
	s.store.saveFail.Store(false)
	c.fetch("/count", "1 times")
	s.store.saveFail.Store(true)
	c.get("/count").failed(c, http.StatusServiceUnavailable)
	c.get("/redirect").failed(c, http.StatusServiceUnavailable)
	c.fetch("/show", "1 times") // reading goes on
}

// failedLogIn has an administrator revoke the session during the log-in.
func failedLogIn(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{
		"/count": s.times,
		"/login": func(ctx context.Context) Answer {
			s.sessions.Get(ctx).User = "bob"
			s.sessions.Renew(ctx)
			if err := s.sessions.Revoke(ctx, s.sessions.Info(ctx).ID); err != nil {
				s.Error(err)
			}
			return ok("welcome")
		},
	})
	c.fetch("/count", "1 times")
	c.get("/login").failed(c, http.StatusConflict)
	s.empty("the session was revoked during the log-in")
}

// notFound saves what a handler changed that answers with an error of the client's.
func notFound(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{
		"/count": s.times,
		"/missing": func(ctx context.Context) Answer {
			s.sessions.Get(ctx).Times += 10
			return Answer{Status: http.StatusNotFound, Body: handlers}
		},
	})
	a := c.get("/missing")
	if a == nil || a.StatusCode != http.StatusNotFound {
		s.Fatalf("the answer is %v, want the handler's 404", a)
	}
	a.gives(c)
	c.fetch("/count", "11 times")
}

func handlerError(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{
		"/count": s.times,
		"/error": func(ctx context.Context) Answer {
			s.sessions.Get(ctx).Times += 100
			return Answer{Status: http.StatusInternalServerError, Body: "sorry"}
		},
	})
	if a := c.get("/error"); a == nil || a.StatusCode != http.StatusInternalServerError {
		s.Fatalf("the answer is %v, want the handler's 500", a)
	}
	s.empty("the handler has failed")
	c.fetch("/count", "1 times")
	c.get("/error").same(c, "the handler has failed")
	if got := s.stored().Data.Times; got != 1 {
		s.Errorf("the session counts %d, want 1: a failed handler's changes are dropped", got)
	}
	if !s.events.has(sesame.EventDropped) {
		s.Errorf("the events are %v, want one of what was dropped", s.events.kinds)
	}
}

func logOutAndError(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{
		"/count": s.times,
		"/logout": func(ctx context.Context) Answer {
			s.sessions.Destroy(ctx)
			return Answer{Status: http.StatusInternalServerError, Body: "sorry"}
		},
	})
	c.fetch("/count", "1 times")
	a := c.get("/logout")
	if a == nil || a.StatusCode != http.StatusInternalServerError {
		s.Fatalf("the answer is %v, want the handler's 500", a)
	}
	a.takes(c)
	s.empty("a log-out is carried out whatever else fails")
}

// savedBeforeError logs in, saves that, and fails.
func savedBeforeError(s *site) {
	s.savedBefore(func() Answer { return Answer{Status: http.StatusInternalServerError, Body: "sorry"} })
}

// savedBeforePanic panics in place of that, which may also cut the connection.
func savedBeforePanic(s *site) {
	s.savedBefore(func() Answer { panic("the handler's") })
}

func (s *site) savedBefore(fail func() Answer) {
	c := s.serve(map[string]func(context.Context) Answer{
		"/count": s.times, "/show": s.show,
		"/login": func(ctx context.Context) Answer {
			s.sessions.Get(ctx).User = "ann"
			s.sessions.Renew(ctx)
			if err := s.sessions.Save(ctx); err != nil {
				s.Error(err)
			}
			s.sessions.Get(ctx).Times += 100
			return fail()
		},
	})
	c.fetch("/count", "1 times")
	if a := c.get("/login"); a != nil {
		if a.StatusCode < 500 {
			s.Errorf("the status is %d, want an error", a.StatusCode)
		}
		a.gives(c)
		c.fetch("/show", "ann 1 times")
	}
	if got := s.stored().Data; got.User != "ann" || got.Times != 1 {
		s.Errorf("stored is %+v, want what was saved before the failure", got)
	}
}

func panics(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{
		"/count": s.times,
		"/panic": func(ctx context.Context) Answer {
			s.sessions.Get(ctx).Times += 100
			panic("the handler's")
		},
	})
	for _, count := range []string{"1 times", "2 times"} {
		if a := c.get("/panic"); a != nil {
			if a.StatusCode < 500 {
				s.Errorf("a panic is answered by %d", a.StatusCode)
			}
			a.same(c, "the handler has panicked")
		}
		c.fetch("/count", count)
	}
}

// goroutine changes the session beside the handler, by Update.
func goroutine(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{
		"/count": s.times,
		"/beside": func(ctx context.Context) Answer {
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					err := s.sessions.Update(ctx, func(v *Session) error { v.Times++; return nil })
					if err != nil {
						s.Error(err)
					}
				})
			}
			all.Wait()
			return ok("%d times", s.sessions.Get(ctx).Times)
		},
	})
	c.fetch("/beside", "4 times").gives(c)
	c.fetch("/count", "5 times")
}

// failedStream cannot save what the handler changed before it began its response.
func failedStream(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{
		"/stream": func(ctx context.Context) Answer {
			a := s.times(ctx)
			a.Then = func() {}
			return a
		},
	})
	s.store.saveFail.Store(true)
	c.get("/stream").failed(c, http.StatusServiceUnavailable)
	s.store.saveFail.Store(false)
	c.fetch("/stream", "1 times").gives(c)
}

func lateChange(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{
		"/count": s.times,
		"/late": func(ctx context.Context) Answer {
			a := s.times(ctx)
			a.Then = func() { s.sessions.Get(ctx).Times += 10 }
			return a
		},
	})
	c.fetch("/count", "1 times")
	saves := s.store.saves.Load()
	c.fetch("/late", "2 times")
	if got := s.stored().Data.Times; got != 12 {
		s.Errorf("the session counts %d, want 12: a change after the response began is saved when the handler returns", got)
	}
	if n := s.store.saves.Load() - saves; n != 2 {
		s.Errorf("%d saves, want one before the response began and one after", n)
	}
}

func lateSession(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{
		"/late": func(ctx context.Context) Answer {
			a := ok("page")
			a.Then = func() { s.sessions.Get(ctx).Times++ }
			return a
		},
	})
	c.fetch("/late", "page").same(c, "the response had begun")
	s.empty("no client has its token")
	if !s.events.has(sesame.EventLate) {
		s.Errorf("the events are %v, want one of the session that came too late", s.events.kinds)
	}
}

func lateSaveFails(s *site) {
	c := s.serve(map[string]func(context.Context) Answer{
		"/count": s.times,
		"/late": func(ctx context.Context) Answer {
			s.sessions.Get(ctx)
			a := ok("page")
			a.Then = func() {
				s.sessions.Get(ctx).Times++
				s.store.saveFail.Store(true)
			}
			return a
		},
	})
	c.fetch("/count", "1 times")
	c.get("/late") // the page has gone out, whatever comes of it
	s.store.saveFail.Store(false)
	if !s.events.has(sesame.EventStoreError) {
		s.Errorf("the events are %v, want one of the store that failed", s.events.kinds)
	}
	c.fetch("/count", "2 times")
}
