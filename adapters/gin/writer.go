package sesamegin

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"
)

// writer is gin's view of the manager's writer. It counts by itself what the
// handlers write: the writer around the manager has seen nothing of it yet, so a
// middleware that asks for the size, as gzip does, would truncate the page.
type writer struct {
	http.ResponseWriter
	outer  gin.ResponseWriter // around the manager's
	status int
	size   int
}

// unwritten is the size of a response whose header gin has not written.
const unwritten = -1

var _ gin.ResponseWriter = (*writer)(nil)

// end writes a status that a handler has set and gin has not written: whether the
// handler has failed depends on it.
func (w *writer) end(before int) {
	if !w.Written() && w.status != before {
		w.WriteHeaderNow()
	}
}

// Status implements [gin.ResponseWriter].
func (w *writer) Status() int { return w.status }

// Size implements [gin.ResponseWriter].
func (w *writer) Size() int { return w.size }

// Written implements [gin.ResponseWriter].
func (w *writer) Written() bool { return w.size != unwritten }

// WriteHeader notes the status, as gin's own writer does: it is written with the
// first byte of the body.
func (w *writer) WriteHeader(status int) {
	if status > 0 && !w.Written() {
		w.status = status
	}
}

// WriteHeaderNow implements [gin.ResponseWriter].
func (w *writer) WriteHeaderNow() {
	if !w.Written() {
		w.size = 0
		w.ResponseWriter.WriteHeader(w.status)
		if w.status == http.StatusSwitchingProtocols {
			w.outer.WriteHeaderNow() // the connection is about to be taken over
		}
	}
}

// Write implements [http.ResponseWriter].
func (w *writer) Write(p []byte) (n int, err error) {
	w.WriteHeaderNow()
	n, err = w.ResponseWriter.Write(p)
	w.size += n
	return n, err
}

// WriteString implements [io.StringWriter].
func (w *writer) WriteString(s string) (n int, err error) {
	w.WriteHeaderNow()
	n, err = io.WriteString(w.ResponseWriter, s)
	w.size += n
	return n, err
}

// Flush implements [http.Flusher].
func (w *writer) Flush() {
	w.WriteHeaderNow()
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack implements [http.Hijacker].
func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.size > 0 {
		return nil, nil, errors.New("sesamegin: the response's body has begun, the connection cannot be taken over")
	}
	w.size = max(w.size, 0)
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// CloseNotify implements [http.CloseNotifier].
func (w *writer) CloseNotify() <-chan bool {
	if notifier, ok := w.ResponseWriter.(http.CloseNotifier); ok { //nolint:staticcheck // gin.ResponseWriter has it
		return notifier.CloseNotify()
	}
	return make(chan bool)
}

// Pusher implements [gin.ResponseWriter].
func (w *writer) Pusher() http.Pusher {
	pusher, _ := w.ResponseWriter.(http.Pusher)
	return pusher
}

// Unwrap lets [http.ResponseController] reach deadlines and full duplex.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
