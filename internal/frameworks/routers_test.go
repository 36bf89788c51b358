package frameworks_test

import (
	"io"
	"log"
	"net/http"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/gorilla/handlers"
	"github.com/gorilla/mux"
	"github.com/julienschmidt/httprouter"
)

func chain(h http.Handler, outermostFirst ...func(http.Handler) http.Handler) http.Handler {
	for i := len(outermostFirst) - 1; i >= 0; i-- {
		h = outermostFirst[i](h)
	}
	return h
}

func timeout(h http.Handler) http.Handler { return http.TimeoutHandler(h, 10*time.Second, "slow") }

func TestServeMux(t *testing.T) {
	pages := func(s *site) http.Handler {
		m := http.NewServeMux()
		for path, f := range s.pages() {
			m.HandleFunc(path, f)
		}
		return m
	}
	for _, mt := range []mount{
		{name: "around", handler: func(s *site) http.Handler { return s.m.Handler(pages(s)) }},
		{name: "timeout outside", noWS: true, handler: func(s *site) http.Handler { return timeout(s.m.Handler(pages(s))) }},
	} {
		t.Run(mt.name, mt.run)
	}
}

func TestChi(t *testing.T) {
	logger := middleware.RequestLogger(&middleware.DefaultLogFormatter{Logger: log.New(io.Discard, "", 0)})
	theirs := chi.Middlewares{middleware.RequestID, logger, middleware.Recoverer, middleware.Compress(5), middleware.Timeout(10 * time.Second)}
	routes := func(s *site, use ...func(http.Handler) http.Handler) http.Handler {
		r := chi.NewRouter()
		r.Use(use...)
		for path, f := range s.pages() {
			r.HandleFunc(path, f)
		}
		return r
	}
	for _, mt := range []mount{
		{name: "around the router", handler: func(s *site) http.Handler { return s.m.Handler(routes(s, theirs...)) }},
		{name: "Use, after the others", handler: func(s *site) http.Handler { return routes(s, append(theirs, s.m.Handler)...) }},
		{name: "Use, before the others", handler: func(s *site) http.Handler {
			return routes(s, append(chi.Middlewares{s.m.Handler}, theirs...)...)
		}},
		{name: "With, on a group", handler: func(s *site) http.Handler {
			r := chi.NewRouter()
			r.Use(theirs...)
			r.Group(func(r chi.Router) {
				r.Use(s.m.Handler)
				for path, f := range s.pages() {
					r.HandleFunc(path, f)
				}
			})
			return r
		}},
	} {
		t.Run(mt.name, mt.run)
	}
}

func TestGorilla(t *testing.T) {
	theirs := []func(http.Handler) http.Handler{
		func(h http.Handler) http.Handler { return handlers.LoggingHandler(io.Discard, h) },
		handlers.CompressHandler, // outside of recovery: inside, it would end the response when a panic passes
		handlers.RecoveryHandler(handlers.RecoveryLogger(log.New(io.Discard, "", 0))),
	}
	routes := func(s *site, use ...func(http.Handler) http.Handler) http.Handler {
		r := mux.NewRouter()
		for _, m := range use {
			r.Use(m)
		}
		for path, f := range s.pages() {
			r.HandleFunc(path, f)
		}
		return r
	}
	for _, mt := range []mount{
		{name: "around, the others inside", handler: func(s *site) http.Handler { return s.m.Handler(chain(routes(s), theirs...)) }},
		{name: "around, the others outside", handler: func(s *site) http.Handler { return chain(s.m.Handler(routes(s)), theirs...) }},
		{name: "Use, before the others", handler: func(s *site) http.Handler {
			return routes(s, append([]func(http.Handler) http.Handler{s.m.Handler}, theirs...)...)
		}},
		{name: "Use, after the others", handler: func(s *site) http.Handler { return routes(s, append(theirs, s.m.Handler)...) }},
	} {
		t.Run(mt.name, mt.run)
	}
}

func TestHTTPRouter(t *testing.T) {
	routes := func(s *site, recovers bool) http.Handler {
		r := httprouter.New()
		if recovers {
			r.PanicHandler = func(w http.ResponseWriter, _ *http.Request, _ any) { http.Error(w, "sorry", 500) }
		}
		for path, f := range s.pages() {
			r.HandlerFunc(http.MethodGet, path, f)
			r.HandlerFunc(http.MethodHead, path, f)
		}
		return r
	}
	for _, mt := range []mount{
		{name: "around", handler: func(s *site) http.Handler { return s.m.Handler(routes(s, false)) }},
		{name: "around, with a PanicHandler", handler: func(s *site) http.Handler { return s.m.Handler(routes(s, true)) }},
	} {
		t.Run(mt.name, mt.run)
	}
}
