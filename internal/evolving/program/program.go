// Package program has the code that all versions of the program share. It serves the
// session of each request, and changes it on request.
//
//	GET /                  answers a State
//	POST /NAME?value=V     calls the change of that name, and answers a State
//	POST /NAME?…&update    does so by Manager.Update
//	POST /login?value=USER renews the session as well
//	POST /logout           destroys it
//	GET /events            answers the events since the last such request, as a list
package program

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/sesame-go/sesame"
)

// State is the answer of a page: the state of the session.
type State[T any] struct {
	New     bool
	Session T
}

// Run serves the sessions of one version of the program, in the store that the flag
// names. It prints its address, and returns when its standard input ends.
func Run[T any](changes Changes[T], opts ...sesame.Option) {
	place := flag.String("store", "", "where sessions are kept: remote:ADDRESS, sqlite:FILE or redis:ADDRESS")
	flag.Parse()
	if err := run(*place, changes, opts); err != nil {
		log.Fatal(err)
	}
}

func run[T any](place string, changes Changes[T], opts []sesame.Option) error {
	st, err := open(place)
	if err != nil {
		return err
	}
	p := &server[T]{changes: changes.all()}
	p.sessions = sesame.New[T](append(opts, sesame.WithStore(st), sesame.WithInsecureCookie(), sesame.WithObserver(p.observe))...)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.show)
	mux.HandleFunc("POST /{change}", p.change)
	mux.HandleFunc("GET /events", p.told)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	web := &http.Server{Handler: p.sessions.Handler(mux)}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = web.Close()
	}()
	fmt.Println(l.Addr())
	if err := web.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

type server[T any] struct {
	sessions *sesame.Manager[T]
	changes  Changes[T]

	mu     sync.Mutex
	events []Event
}

// Event has the parts of a sesame.Event that tests look at.
type Event struct{ Kind, Field, Err string }

func (p *server[T]) observe(_ context.Context, e sesame.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	told := Event{Kind: string(e.Kind), Field: e.Field}
	if e.Err != nil {
		told.Err = e.Err.Error()
	}
	p.events = append(p.events, told)
}

func (p *server[T]) told(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	answer(w, p.events)
	p.events = nil
}

func (p *server[T]) show(w http.ResponseWriter, r *http.Request) {
	answer(w, State[T]{p.sessions.Info(r.Context()).New, *p.sessions.Get(r.Context())})
}

func (p *server[T]) change(w http.ResponseWriter, r *http.Request) {
	ctx, name := r.Context(), r.PathValue("change")
	change, known := p.changes[name]
	switch {
	case name == "logout":
		p.sessions.Destroy(ctx)
	case !known:
		http.NotFound(w, r)
		return
	case r.URL.Query().Has("update"):
		err := p.sessions.Update(ctx, func(s *T) error {
			change(s, r.FormValue("value"))
			return nil
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
	default:
		if name == "login" {
			p.sessions.Renew(ctx)
		}
		change(p.sessions.Get(ctx), r.FormValue("value"))
	}
	p.show(w, r)
}

func answer(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
