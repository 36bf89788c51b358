package inspect_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/inspect"
)

// sent is one server-sent event.
type sent struct {
	name, id string
	data     struct {
		ID, HTML, Process string
		Reset             bool
	}
}

// listen opens a stream and returns what it sends.
func listen(t *testing.T, server *httptest.Server, query, last string) <-chan sent {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/inspect/live?"+query, nil)
	require.NoError(t, err)
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	res, err := server.Client().Do(r)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "text/event-stream", res.Header.Get("Content-Type"))
	events := make(chan sent, 100)
	go func() {
		defer close(events)
		defer res.Body.Close()
		var e sent
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "event":
				e.name = value
			case "id":
				e.id = value
			case "data":
				if json.Unmarshal([]byte(value), &e.data) != nil {
					panic(value)
				}
				events <- e
				e = sent{}
			}
		}
	}()
	return events
}

func rows(t *testing.T, from <-chan sent) sent {
	t.Helper()
	for {
		select {
		case e, ok := <-from:
			require.True(t, ok, "the stream has ended")
			if e.name == "rows" {
				return e
			}
		case <-time.After(10 * time.Second):
			require.FailNow(t, "nothing is sent")
		}
	}
}

func TestStream(t *testing.T) {
	m, h := newPage(t)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	login(t, m, Session{User: "before"})
	_, page := get(t, h, "events")
	after := page[strings.Index(page, "after=")+6:]
	after = after[:strings.IndexAny(after, `&"`)]

	s := listen(t, server, "page=events&after="+after, "")
	evil, _ := login(t, m, Session{User: "<script>alert(1)</script>\nevent: part", CSRF: secret})
	first := rows(t, s)
	require.False(t, first.data.Reset)
	require.Contains(t, first.data.HTML, evil)
	require.Contains(t, first.data.HTML, "&lt;script&gt;")
	require.NotContains(t, first.data.HTML, "before", "the page has that")

	login(t, m, Session{User: "while the browser was away"})
	again := rows(t, listen(t, server, "page=events&after="+after, first.id))
	require.Contains(t, again.data.HTML, "while the browser")
	require.NotContains(t, again.data.HTML, "script", "sent already")

	other := rows(t, listen(t, server, "page=events", "1234-another-process.7"))
	require.True(t, other.data.Reset, "the rows of another process go")
	require.Contains(t, other.data.HTML, "before")
	require.Contains(t, other.data.Process, "(pid ")

	only := listen(t, server, "page=events&kind=revoked&after="+again.id, "")
	login(t, m, Session{User: "not this"})
	require.NoError(t, m.Revoke(t.Context(), evil))
	got := rows(t, only)
	require.Contains(t, got.data.HTML, "revoked")
	require.NotContains(t, got.data.HTML, "not this")
}

// The parts of a page that changed are sent, of a session too, until it has
// ended.
func TestStreamSendsParts(t *testing.T) {
	m, h := newPage(t)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	id, _ := login(t, m, Session{User: "ann", CSRF: secret, Note: "in the data"})

	seen := map[string]string{}
	s := listen(t, server, "page=overview", "")
	for len(seen) < 3 {
		if e := <-s; e.name == "part" {
			seen[e.data.ID] = e.data.HTML
		}
	}
	require.Contains(t, text(seen["status"]), "1 session now")
	require.Contains(t, seen["chart"], `data-kind="created"`)
	require.Contains(t, text(seen["store"]), "memstore.Store")

	s = listen(t, server, "page=session&session="+id, "")
	var last string
	for e := range s {
		if e.name != "part" {
			continue
		}
		if last == "" {
			require.NoError(t, m.Revoke(t.Context(), id))
		}
		if last = e.data.HTML; strings.Contains(last, "This session has ended") {
			break
		}
	}
	require.Contains(t, last, "This session has ended")
}

// A stream ends after a minute, so that Allow is asked again.
func TestStreamLastsAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, h := newPage(t)
		began := time.Now()
		w := ask(h, "GET", "/inspect/live?page=overview", nil, nil)
		require.Equal(t, time.Minute, time.Since(began))
		require.Contains(t, w.Body.String(), "event: part")
		require.Greater(t, strings.Count(w.Body.String(), ": alive"), 50)
	})
}

// A page that is left open does not keep the operator's session alive.
func TestStreamsAreNoUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sesame.New[Session](quiet, sesame.WithIdleTimeout(5*time.Minute))
		isAnn := func(r *http.Request) bool { return m.Get(r.Context()).User == "ann" }
		mux := http.NewServeMux()
		mux.Handle("/inspect/", inspect.Handler(m, inspect.Allow(isAnn)))
		site := m.Handler(mux)
		_, token := login(t, m, Session{User: "ann"})
		cookie := map[string]string{"Cookie": "__Host-Http-session_id=" + token}
		for range 5 {
			require.Equal(t, http.StatusOK, ask(site, "GET", "/inspect/live?page=overview", nil, cookie).Code)
		}
		time.Sleep(time.Second)
		require.Equal(t, http.StatusNotFound, ask(site, "GET", "/inspect/live?page=overview", nil, cookie).Code, "five minutes have passed")
	})
}

// A writer that collects the response, such as http.TimeoutHandler's, has no
// streams. The browser is told not to ask again.
func TestWhereNothingCanBeFlushed(t *testing.T) {
	_, h := newPage(t)
	w := ask(http.TimeoutHandler(h, time.Minute, ""), "GET", "/inspect/live?page=overview", nil, nil)
	require.Equal(t, http.StatusNoContent, w.Code)
}

// A browser that does not read is given up, and holds no request of the program
// up.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, h := newPage(t)
		ended := make(chan time.Duration, 1)
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began := time.Now()
			h.ServeHTTP(w, r)
			ended <- time.Since(began)
		})}
		inner, outer := net.Pipe() // holds nothing back
		go server.Serve(&once{conn: inner, done: make(chan struct{})})
		_, err := io.WriteString(outer, "GET /inspect/live?page=overview HTTP/1.1\r\nHost: shop.example\r\n\r\n")
		require.NoError(t, err)
		_, err = io.ReadFull(outer, make([]byte, 100))
		require.NoError(t, err)

		login(t, m, Session{User: "ann"})
		took := <-ended
		require.LessOrEqual(t, took, 11*time.Second)
		require.NoError(t, server.Close())
		outer.Close()
	})
}

// once is a listener with one connection.
type once struct {
	conn net.Conn
	done chan struct{}
}

func (l *once) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.done
	return nil, net.ErrClosed
}

func (l *once) Close() error   { close(l.done); return nil }
func (l *once) Addr() net.Addr { return &net.TCPAddr{} }

// A server that shuts down does not wait for streams.
func TestShutdownEndsStreams(t *testing.T) {
	_, h := newPage(t)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	var streams []<-chan sent
	for range 3 {
		streams = append(streams, listen(t, server, "page=overview", ""))
	}
	for _, s := range streams {
		<-s
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	began := time.Now()
	require.NoError(t, server.Config.Shutdown(ctx))
	require.Less(t, time.Since(began), 10*time.Second)
}

// Pages, streams and the program's requests at once, for the race detector.
func TestAllAtOnce(t *testing.T) {
	m, h := newPage(t)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	for range 4 {
		s := listen(t, server, "page=overview", "")
		go func() {
			for range s { // until the test ends
			}
		}()
	}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for n := range 5 {
				user := fmt.Sprint("user ", n%3)
				id, _ := login(t, m, Session{User: user})
				for _, path := range []string{"", "sessions", "events", "session/" + id, "owner/" + id}[worker%4:] {
					get(t, h, path)
				}
				post(t, h, "search", url.Values{"q": {user}})
				post(t, h, "end", url.Values{"id": {id}})
			}
		})
	}
	wg.Wait()
	_, page := get(t, h, "sessions")
	require.Contains(t, text(page), "No sessions yet.")
	_, page = get(t, h, "")
	require.Contains(t, text(page), "40 created in an hour")
}
