package inspect

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"time"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/lifecycle"
)

// Handler returns the operator's page of a manager. Mount it below any path that
// ends with a slash, with http.StripPrefix or without:
//
//	mux.Handle("/inspect/", inspect.Handler(sessions, inspect.Allow(isOperator)))
//
// It may be inside the manager's own Handler or outside; it leaves the request's
// session alone, but for what [Allow] does. From now on the manager's events are
// kept, for as long as the manager lives, so call Handler once, before the
// program serves.
//
// Forms of other sites are refused, by http.CrossOriginProtection and because
// browsers must say where a form comes from; other sites can neither frame the
// page nor load parts of it. Pages are never cached.
//
// Handler panics, with the cure in the text, without Allow or if another option
// is wrong. The handler is safe for concurrent use.
func Handler[T any](m *sesame.Manager[T], opts ...Option) http.Handler {
	if m == nil {
		panic("inspect: Handler(nil): give it the manager whose sessions it shows")
	}
	c := config{refused: http.NotFoundHandler(), keep: 500}
	for _, o := range opts {
		if o == nil {
			panic("inspect: Handler: an option is nil; leave it out")
		}
		o.apply(&c)
	}
	if err := c.validate(); err != nil {
		panic(fmt.Sprintf("inspect: Handler: %v", err))
	}
	i := newInspector(lifecycle.EngineOf(m), c)
	i.passive = m.Passive
	return i.guard(http.HandlerFunc(i.route))
}

// An inspector is what all requests of the page share.
type inspector struct {
	config
	engine  *lifecycle.Engine
	events  *recorder
	health  *health
	lists   lists
	servers shutdowns
	passive func(context.Context) // the manager's

	process  string // which process this is, in words
	instance string // the same, as an event's ID
	started  time.Time
	owned    bool // the session type says whose a session is
}

func newInspector(e *lifecycle.Engine, c config) *inspector {
	host, err := os.Hostname()
	if err != nil {
		host = "this host"
	}
	now := time.Now()
	i := &inspector{
		config: c, engine: e, started: now,
		process:  fmt.Sprintf("%s (pid %d)", visible(host), os.Getpid()),
		instance: fmt.Sprintf("%x-%x", os.Getpid(), now.UnixNano()),
		owned:    reflect.PointerTo(e.Type).Implements(reflect.TypeFor[interface{ Owner() string }]()),
	}
	i.health = newHealth(e, now)
	i.events = newRecorder(c.keep, i.health)
	e.Tell(i.events.record)
	return i
}
