package sesame

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/sesame-go/sesame/internal/cookie"
	"github.com/sesame-go/sesame/internal/lifecycle"
)

// manager is the part of a Manager that does not depend on T.
type manager struct {
	engine  *lifecycle.Engine
	cookie  cookie.Template
	onError func(http.ResponseWriter, *http.Request, error)
	warned  atomic.Bool // of a Secure cookie over plain HTTP
}

func answerError(w http.ResponseWriter, _ *http.Request, err error) {
	status := http.StatusInternalServerError
	if errors.Is(err, ErrStore) || errors.Is(err, ErrConflict) {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status)
}

func (m *manager) handler(next http.Handler) http.Handler {
	if next == nil {
		panic("sesame: Handler(nil): give it the handler that uses the sessions")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.find(r.Context()) != nil {
			next.ServeHTTP(w, r)
			return
		}
		if canHijack(w) {
			h := new(hijackable)
			h.init(m, w, r)
			h.serve(next, h)
			return
		}
		x := new(exchange)
		x.init(m, w, r)
		x.serve(next, x)
	})
}

// exchange is a request's state, its context and its response writer in one
// allocation.
type exchange struct {
	context.Context // the request's
	manager         *manager
	session         lifecycle.Session
	w               http.ResponseWriter
	r               *http.Request
	outer           http.Header // what was set before Handler, nil if nothing
	begun           bool        // the session was committed for the response's header
	failed          error       // and that failed: the error handler has answered
	answered        http.Header // with this
	failure         atomic.Pointer[loadFailure]
	vary            [1]string
}

func (x *exchange) init(m *manager, w http.ResponseWriter, r *http.Request) {
	x.Context, x.manager, x.w, x.r = r.Context(), m, w, r
	x.session.Init(m.engine, r.Header["Cookie"])
	if h := w.Header(); len(h) > 0 {
		x.outer = maps.Clone(h)
	}
}

// Value is what makes the context find the exchange, by its manager.
func (x *exchange) Value(key any) any {
	if m, ok := key.(*manager); ok && m == x.manager {
		return x
	}
	return x.Context.Value(key)
}

// Format keeps the session out of logs that print a context or a writer.
func (x *exchange) Format(f fmt.State, verb rune) { x.session.Format(f, verb) }

func (m *manager) find(ctx context.Context) *exchange {
	x, _ := ctx.Value(m).(*exchange)
	return x
}

func (m *manager) exchange(ctx context.Context) *exchange {
	if x := m.find(ctx); x != nil {
		return x
	}
	panic("sesame: no session in this context: wrap the handler in the Handler of this very manager, sessions.Handler(next), and use the request's context, r.Context()")
}

// loadFailure is what Get panics with. It is an error so that a recovering
// middleware in between prints a sentence.
type loadFailure struct {
	error
	x *exchange
}

func (f *loadFailure) Unwrap() error { return f.error }

func (x *exchange) must(err error) {
	if err != nil {
		f := &loadFailure{err, x}
		x.failure.Store(f)
		panic(f)
	}
}

func (x *exchange) serve(next http.Handler, w http.ResponseWriter) {
	defer x.session.Sent() // after a panic too, as goroutines may go on
	defer x.recoverFailure()
	next.ServeHTTP(w, x.r.WithContext(x))
	x.finish()
}

// recoverFailure answers for a Get that could not load. It does not touch any
// other panic, so that those go on as if it was not there.
func (x *exchange) recoverFailure() {
	if x.failure.Load() == nil {
		return
	}
	p := recover()
	failure, ours := p.(*loadFailure)
	switch {
	case p == nil: // somebody in between recovered
	case !ours || failure.x != x:
		panic(p)
	case !x.begun:
		x.answer(failure.error)
	case x.failed == nil:
		panic(http.ErrAbortHandler) // half a page must not look like a whole one
	}
}

// begin settles the session before the first byte of the response.
func (x *exchange) begin() error {
	if x.begun {
		return x.failed
	}
	if err := x.session.Commit(x); err != nil {
		x.answer(err)
		return err
	}
	x.begun = true
	read, c := x.session.Sent()
	x.setHeader(read, c)
	return nil
}

// finish settles what has changed since.
func (x *exchange) finish() {
	if !x.begun {
		_ = x.begin() // it has answered
		return
	}
	if x.failed != nil {
		// What the handler has put there since would go out as trailers, or be
		// picked up by a writer around us that sends the header last.
		x.resetHeader(x.answered)
		return
	}
	if err := x.session.Commit(x); err != nil {
		x.log(err)
	}
}

// answer lets the error handler answer, alone.
func (x *exchange) answer(err error) {
	x.begun, x.failed = true, err
	_, c := x.session.Sent()
	x.log(err)
	x.resetHeader(x.outer)
	x.setHeader(false, c) // an earlier Save may have renewed it: the old token is dead
	x.manager.onError(x.w, x.r, err)
	x.answered = maps.Clone(x.w.Header())
}

func (x *exchange) resetHeader(to http.Header) {
	h := x.w.Header()
	clear(h)
	maps.Copy(h, to)
}

// log logs what the engine has not.
func (x *exchange) log(err error) {
	if !errors.Is(err, ErrStore) && !errors.Is(err, lifecycle.ErrLate) {
		x.manager.engine.Log(x, slog.LevelError, "sesame: session not saved", "err", err)
	}
}

func (x *exchange) setHeader(read bool, c lifecycle.Cookie) {
	h := x.w.Header()
	if read {
		x.addVary(h)
	}
	switch c.Action {
	case lifecycle.SetCookie:
		h.Add("Set-Cookie", x.manager.cookie.Set(c.Token, c.Life))
		x.warnPlain()
	case lifecycle.DeleteCookie:
		h.Add("Set-Cookie", x.manager.cookie.Delete())
	default:
		return
	}
	// Not private, not no-cache="Set-Cookie": caches have got both wrong.
	h.Set("Cache-Control", "no-store")
}

func (x *exchange) addVary(h http.Header) {
	values := h["Vary"]
	if len(values) == 0 {
		x.vary[0] = "Cookie"
		h["Vary"] = x.vary[:]
		return
	}
	for _, v := range values {
		for field := range strings.SplitSeq(v, ",") {
			if field = strings.TrimSpace(field); field == "*" || strings.EqualFold(field, "Cookie") {
				return
			}
		}
	}
	h.Add("Vary", "Cookie")
}

// warnPlain tells once of a cookie that browsers are going to drop. Whether the
// cookie is Secure never depends on the request; only this warning does.
func (x *exchange) warnPlain() {
	m, r := x.manager, x.r
	if !m.cookie.Secure() || r.TLS != nil || m.warned.Load() || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") ||
		loopback(r.Host) || !m.warned.CompareAndSwap(false, true) {
		return
	}
	m.engine.Log(x, slog.LevelWarn, "sesame: a Secure session cookie was set over plain HTTP, where browsers drop it; serve HTTPS, or use WithInsecureCookie if this site has none (if a proxy speaks HTTPS for it, let that set X-Forwarded-Proto)", "host", r.Host)
}

func loopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// Header implements [http.ResponseWriter].
func (x *exchange) Header() http.Header { return x.w.Header() }

// WriteHeader implements [http.ResponseWriter]. Informational responses are
// not the response yet; 101 is the last word before the protocol changes.
func (x *exchange) WriteHeader(status int) {
	if status < 200 && status != http.StatusSwitchingProtocols {
		if x.failed == nil {
			x.w.WriteHeader(status)
		}
		return
	}
	if x.begin() == nil {
		x.w.WriteHeader(status)
	}
}

// Write implements [http.ResponseWriter].
func (x *exchange) Write(p []byte) (int, error) {
	if err := x.begin(); err != nil {
		return 0, err
	}
	return x.w.Write(p)
}

// WriteString implements [io.StringWriter].
func (x *exchange) WriteString(s string) (int, error) {
	if err := x.begin(); err != nil {
		return 0, err
	}
	return io.WriteString(x.w, s)
}

// Flush implements [http.Flusher].
func (x *exchange) Flush() { _ = x.FlushError() }

// FlushError is what [http.ResponseController.Flush] looks for.
func (x *exchange) FlushError() error {
	if err := x.begin(); err != nil {
		return err
	}
	return http.NewResponseController(x.w).Flush()
}

// Push implements [http.Pusher].
func (x *exchange) Push(target string, opts *http.PushOptions) error {
	if p, ok := x.w.(http.Pusher); ok {
		return p.Push(target, opts)
	}
	return http.ErrNotSupported
}

// Unwrap lets [http.ResponseController] reach deadlines and full duplex.
func (x *exchange) Unwrap() http.ResponseWriter { return x.w }

// hijackable is the writer of connections that can be taken over: HTTP/1. It
// is a type of its own so that a type assertion tells the truth over HTTP/2.
type hijackable struct{ exchange }

// Hijack implements [http.Hijacker].
func (x *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := x.begin(); err != nil {
		return nil, nil, err
	}
	return http.NewResponseController(x.w).Hijack()
}

// ReadFrom implements [io.ReaderFrom], so that files go out by sendfile.
func (x *hijackable) ReadFrom(src io.Reader) (int64, error) {
	if err := x.begin(); err != nil {
		return 0, err
	}
	if w, ok := x.w.(io.ReaderFrom); ok {
		return w.ReadFrom(src)
	}
	return io.Copy(struct{ io.Writer }{x.w}, src)
}

// canHijack looks where [http.ResponseController] looks.
func canHijack(w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case http.Hijacker:
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}
