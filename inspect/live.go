package inspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sesame-go/sesame/store"
)

const (
	// streamLasts is how long a stream lasts. Then the browser opens another,
	// and Allow is asked again.
	streamLasts = time.Minute

	// rowsEvery and partsEvery are how often a stream looks for events, and
	// draws again what they add up to.
	rowsEvery  = time.Second
	partsEvery = 5 * time.Second

	// slowestReader is how long a browser may take to read what is sent.
	slowestReader = 10 * time.Second
)

// stream sends what is new, as server-sent events. It keeps nothing for its
// browser: one that reads slowly is sent less often, and told of less, but costs
// no memory and holds no request of the program up.
func (i *inspector) stream(w http.ResponseWriter, r *http.Request) {
	if ctx := r.Context(); ctx.Value(i.engine) != nil {
		i.passive(ctx)
	}
	v := r.URL.Query()
	s := &stream{inspector: i, w: w, ctl: http.NewResponseController(w), page: v.Get("page"), query: parseQuery(v), sent: map[string]string{}}
	s.resume(r, v.Get("after"))
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // proxies that collect a response first
	if r.Method == http.MethodHead {
		return
	}
	if err := s.flush(); err != nil {
		if errors.Is(err, http.ErrNotSupported) { // a writer around us collects the response
			w.WriteHeader(http.StatusNoContent) // so that the browser does not ask again
		}
		return
	}
	if s.send("retry: 1000\n\n") != nil {
		return
	}
	end := time.NewTimer(streamLasts)
	defer end.Stop()
	tick := time.NewTicker(rowsEvery)
	defer tick.Stop()
	shutdown := i.servers.of(r)
	var parts time.Time
	for {
		if s.rows() != nil {
			return
		}
		if now := time.Now(); now.Sub(parts) >= partsEvery {
			parts = now
			if s.parts(r) != nil {
				return
			}
		}
		select {
		case <-tick.C:
		case <-end.C:
			return
		case <-shutdown:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// A stream is what is sent to one browser.
type stream struct {
	*inspector
	w     http.ResponseWriter
	ctl   *http.ResponseController
	page  string
	query query             // of the rows
	reset bool              // the rows of the browser are of another process
	sent  map[string]string // parts
}

// resume finds the event that the browser has seen last.
func (s *stream) resume(r *http.Request, after string) {
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		after = last
	}
	instance, seq, _ := strings.Cut(after, ".")
	n, err := strconv.ParseUint(seq, 10, 64)
	if s.reset = instance != s.instance || err != nil; !s.reset {
		s.query.after = n
	}
}

// rows sends the events that have happened.
func (s *stream) rows() error {
	limit := map[string]int{"overview": tailOnOverview, "session": tailOnSession}[s.page]
	if limit == 0 {
		limit = tailOnEvents
	}
	root := "./"
	if s.page == "session" {
		root = "../"
	}
	t := s.tail(s.query, limit, root)
	_, seq, _ := strings.Cut(t.After, ".")
	s.query.after, _ = strconv.ParseUint(seq, 10, 64)
	if len(t.Events) == 0 && !s.reset {
		return s.send(": alive\n\n")
	}
	html, err := s.part("events", "rows", page{Body: t})
	if err != nil {
		return err
	}
	reset := s.reset
	s.reset = false
	return s.event("rows", t.After, map[string]any{"html": string(html), "reset": reset, "more": t.More, "limit": limit, "process": s.process})
}

// parts sends the parts of the page that have changed.
func (s *stream) parts(r *http.Request) error {
	switch s.page {
	case "overview":
		body := s.overview(time.Now())
		for _, name := range []string{"status", "chart", "store"} {
			if err := s.sendPart("overview", name, page{Root: "./", Body: body}); err != nil {
				return err
			}
		}
	case "session":
		if s.query.key == (store.Key{}) {
			return nil
		}
		body := s.session(r.Context(), s.query.key, false)
		return s.sendPart("session", "facts", page{Root: "../", Body: body})
	}
	return nil
}

func (s *stream) sendPart(of, name string, p page) error {
	html, err := s.part(of, name, p)
	if err != nil || s.sent[name] == string(html) {
		return err
	}
	s.sent[name] = string(html)
	return s.event("part", "", map[string]any{"id": name, "html": string(html)})
}

func (s *stream) event(name, id string, data map[string]any) error {
	b, err := json.Marshal(data) // in one line
	if err != nil {
		return err
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	return s.send(fmt.Sprintf("event: %s\n%sdata: %s\n\n", name, id, b))
}

func (s *stream) send(text string) error {
	s.limit()
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.ctl.Flush()
}

func (s *stream) flush() error {
	s.limit()
	return s.ctl.Flush()
}

// limit gives the browser its time to read. A writer of tests has no deadline.
func (s *stream) limit() { _ = s.ctl.SetWriteDeadline(time.Now().Add(slowestReader)) }

// shutdowns knows which servers are told to stop: http.Server.Shutdown waits for
// requests to end, and would for a stream.
type shutdowns struct{ servers sync.Map } // *http.Server to chan struct{}

func (s *shutdowns) of(r *http.Request) <-chan struct{} {
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return nil
	}
	stopped := make(chan struct{})
	if known, loaded := s.servers.LoadOrStore(server, stopped); loaded {
		return known.(chan struct{})
	}
	server.RegisterOnShutdown(func() { close(stopped) })
	return stopped
}
