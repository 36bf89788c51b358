package sesame

import (
	"bufio"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
)

// The response begins where net/http would begin to send it: at the write that
// takes the body past holdSize, at Flush and Hijack, at a switch of protocols,
// or when the handler returns. Until then the exchange holds what the handler
// writes, so that all it has done to the session is one save, whose cookie goes
// out with the response, and whose failure replaces it.

// holdSize is what net/http's own server holds before it sends anything, with
// HTTP/1.1; with HTTP/2 it holds more.
const holdSize = 2048

// sniffLen is what net/http's own ReadFrom holds.
const sniffLen = 512

// page is a response as far as the handler has written it before it begins.
type page struct {
	body    []byte
	header  []headerField // as it was when the status was written
	values  []string      // of all header fields
	length  int64         // that the handler has declared, or -1
	written int64
}

type headerField struct {
	name string
	n    int // how many of the page's values are its own
}

var pages = sync.Pool{New: func() any { return &page{body: make([]byte, 0, holdSize)} }}

// hold notes the status, and the header as it is now: what the handler does to
// it from here on does not count, as with net/http.
func (x *exchange) hold(status int) {
	x.status = int16(status)
	p := pages.Get().(*page)
	x.held = p
	p.length, p.written = -1, 0
	for name, values := range x.w.Header() {
		p.header = append(p.header, headerField{name, len(values)})
		p.values = append(p.values, values...)
		if name == "Content-Length" && len(values) > 0 && x.r.ProtoMajor == 1 { // HTTP/2 judges at the end
			if n, err := strconv.ParseInt(values[0], 10, 64); err == nil && n >= 0 {
				p.length = n
			}
		}
	}
}

// dropPage forgets what is held.
func (x *exchange) dropPage() {
	if p := x.held; p != nil {
		x.held = nil
		clear(p.header)
		clear(p.values)
		p.body, p.header, p.values = p.body[:0], p.header[:0], p.values[:0]
		pages.Put(p)
	}
}

// fields yields the header as it was when the status was written.
func (p *page) fields(yield func(name string, values []string) bool) {
	at := 0
	for _, f := range p.header {
		if !yield(f.name, p.values[at:at+f.n]) {
			return
		}
		at += f.n
	}
}

// restore makes h what it was when the status was written, and returns what the
// handler has made of it since, nil if it is the same.
func (p *page) restore(h http.Header) (later http.Header) {
	same := len(h) == len(p.header)
	for name, values := range p.fields {
		same = same && slices.Equal(h[name], values)
	}
	if same {
		return nil
	}
	later = maps.Clone(h)
	clear(h)
	for name, values := range p.fields {
		h[name] = slices.Clone(values)
	}
	return later
}

// keep takes n more bytes of the body if they can be held, and otherwise begins
// the response. Its error is what net/http would return for such a write.
func (x *exchange) keep(n int) (kept bool, err error) {
	switch {
	case x.begun:
		return false, x.broken()
	case x.over || x.session.Failure() != nil || x.status == 0 && n > holdSize:
		return false, x.begin()
	case x.status == 0:
		x.hold(http.StatusOK)
		x.implicit = true
	}
	p := x.held
	switch {
	case n == 0:
		return true, nil
	case x.status == http.StatusNoContent || x.status == http.StatusNotModified:
		return true, http.ErrBodyNotAllowed
	}
	p.written += int64(n)
	switch {
	case p.length >= 0 && p.written > p.length:
		return true, http.ErrContentLength
	case len(p.body)+n <= holdSize:
		return true, nil
	}
	return false, x.begin()
}

// broken returns the error of a write to a response that has begun.
func (x *exchange) broken() error {
	if x.failed != nil {
		return x.failed
	}
	return x.session.Failure()
}

// begin settles the session and lets go of what is held.
func (x *exchange) begin() error {
	if x.begun {
		return x.broken()
	}
	if err := x.session.Failure(); err != nil {
		x.answer(err)
		return err
	}
	if err := x.commit(); err != nil {
		x.answer(err)
		return err
	}
	x.begun = true
	h := x.w.Header()
	p := x.held
	var later http.Header
	if p != nil {
		later = p.restore(h)
	}
	x.session.Begin(h, x.session.Cacheable(x.r.Method, int(x.status), h))
	if x.status != 0 && !x.implicit {
		x.w.WriteHeader(int(x.status))
	}
	var err error
	if p != nil && (len(p.body) > 0 || x.implicit && (later != nil || x.returned)) {
		_, err = x.w.Write(p.body)
	}
	for range x.superfluous {
		x.w.WriteHeader(int(x.second)) // the server logs it
	}
	x.keepTrailers(p, h, later)
	x.dropPage()
	return err
}

// keepTrailers puts back what the handler has done to the header since it wrote
// the status: it may be the trailer.
func (x *exchange) keepTrailers(p *page, h, later http.Header) {
	if later == nil {
		return
	}
	for name := range p.fields {
		if _, ok := later[name]; !ok && !x.session.Settles(name) {
			delete(h, name)
		}
	}
	for name, values := range later {
		if !x.session.Settles(name) {
			h[name] = values
		}
	}
}

// commit settles the session, or drops what was not saved if the handler has
// failed, be it too late for the client to be told.
func (x *exchange) commit() error {
	return x.session.Commit(x.status >= 500 || x.second >= 500 || x.panicked)
}

// Header implements [http.ResponseWriter].
func (x *exchange) Header() http.Header { return x.w.Header() }

// WriteHeader implements [http.ResponseWriter].
func (x *exchange) WriteHeader(status int) {
	switch {
	case x.failed != nil:
	case x.session.Failure() != nil:
		_ = x.begin() // it answers
	case x.begun:
		if status >= 500 {
			x.second = int16(min(status, 999))
		}
		x.w.WriteHeader(status)
	case x.status != 0:
		x.second = max(x.second, int16(min(status, 999)))
		x.superfluous++
	case status < 200 && status != http.StatusSwitchingProtocols || status > 999:
		x.w.WriteHeader(status) // an informational response, or what the server panics at
	default:
		x.hold(status)
		if status == http.StatusSwitchingProtocols || x.over {
			_ = x.begin()
		}
	}
}

// Write implements [http.ResponseWriter].
func (x *exchange) Write(p []byte) (int, error) {
	kept, err := x.keep(len(p))
	if err != nil {
		return 0, err
	}
	if !kept {
		return x.w.Write(p)
	}
	x.held.body = append(x.held.body, p...)
	return len(p), nil
}

// WriteString implements [io.StringWriter].
func (x *exchange) WriteString(s string) (int, error) {
	kept, err := x.keep(len(s))
	if err != nil {
		return 0, err
	}
	if !kept {
		return io.WriteString(x.w, s)
	}
	x.held.body = append(x.held.body, s...)
	return len(s), nil
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

// Unwrap lets [http.ResponseController] reach deadlines and full duplex.
func (x *exchange) Unwrap() http.ResponseWriter { return x.w }

// The other interfaces of net/http's writers are found by type assertion, so
// there is a writer for each set of them that occurs.
type (
	notifying   struct{ exchange }   // CloseNotifier
	hijackable  struct{ exchange }   // Hijacker, ReaderFrom
	http1Writer struct{ hijackable } // and CloseNotifier
	http2Writer struct{ exchange }   // Pusher, CloseNotifier
)

// newExchange returns a request's exchange, and the writer that has it.
func newExchange(inner http.ResponseWriter) (*exchange, http.ResponseWriter) {
	_, hijacks := reach[http.Hijacker](inner)
	_, notifies := reach[http.CloseNotifier](inner) //nolint:staticcheck // gin asserts it
	_, pushes := reach[http.Pusher](inner)
	switch {
	case hijacks && notifies:
		w := new(http1Writer)
		return &w.exchange, w
	case hijacks:
		w := new(hijackable)
		return &w.exchange, w
	case pushes && notifies:
		w := new(http2Writer)
		return &w.exchange, w
	case notifies:
		w := new(notifying)
		return &w.exchange, w
	}
	x := new(exchange)
	return x, x
}

// reach finds an interface where [http.ResponseController] looks.
func reach[I any](w http.ResponseWriter) (i I, ok bool) {
	for {
		if i, ok = w.(I); ok {
			return i, true
		}
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return i, false
		}
		w = wrapper.Unwrap()
	}
}

// Hijack implements [http.Hijacker].
func (x *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := x.begin(); err != nil {
		return nil, nil, err
	}
	return http.NewResponseController(x.w).Hijack()
}

// ReadFrom implements [io.ReaderFrom], so that files go out by sendfile.
func (x *hijackable) ReadFrom(src io.Reader) (n int64, err error) {
	if !x.begun {
		n, err = io.Copy(struct{ io.Writer }{x}, io.LimitReader(src, sniffLen))
		if err != nil || n < sniffLen {
			return n, err
		}
	}
	if err := x.begin(); err != nil {
		return n, err
	}
	var more int64
	if w, ok := x.w.(io.ReaderFrom); ok {
		more, err = w.ReadFrom(src)
	} else {
		more, err = io.Copy(struct{ io.Writer }{x.w}, src)
	}
	return n + more, err
}

func (x *exchange) closeNotify() <-chan bool {
	w, _ := reach[http.CloseNotifier](x.w) //nolint:staticcheck // gin asserts it
	return w.CloseNotify()
}

// CloseNotify implements [http.CloseNotifier].
func (x *notifying) CloseNotify() <-chan bool { return x.closeNotify() }

// CloseNotify implements [http.CloseNotifier].
func (x *http1Writer) CloseNotify() <-chan bool { return x.closeNotify() }

// CloseNotify implements [http.CloseNotifier].
func (x *http2Writer) CloseNotify() <-chan bool { return x.closeNotify() }

// Push implements [http.Pusher].
func (x *http2Writer) Push(target string, opts *http.PushOptions) error {
	w, _ := reach[http.Pusher](x.w)
	return w.Push(target, opts)
}
