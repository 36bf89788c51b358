package faultproxy

import (
	"net"
	"sync"
	"time"
)

// A link is a client's connection and the connection to the server that belongs to
// it.
type link struct {
	proxy  *Proxy
	client *net.TCPConn
	over   chan struct{} // closed when the link is cut
	once   sync.Once     // closes over

	// Proxy.mu guards the rest.
	server  *net.TCPConn // nil until it is connected
	last    Direction    // of the bytes that arrived last
	torn    bool         // bytes were lost
	shifted bool         // replies are shifted, see Proxy.Desync
	losing  *ambush      // the next reply is lost
	replies replies
}

// connect completes the link. It reports whether the link is still uncut.
func (l *link) connect(server *net.TCPConn) bool {
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	l.server = server
	select {
	case <-l.over:
		return false
	default:
		return true
	}
}

// cut resets both connections. The caller holds p.mu.
func (l *link) cut() {
	l.once.Do(func() {
		close(l.over)
		if l.server != nil {
			reset(l.client)
			reset(l.server)
		}
	})
}

// end closes both connections without a reset, so that everything written arrives.
func (l *link) end() {
	_ = l.client.Close()
	_ = l.server.Close()
}

// pump forwards one direction. When pump returns, the link ends.
func (l *link) pump(dir Direction, from, to *net.TCPConn) {
	defer l.end()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !l.pass(dir, to, buf[:n]) || err != nil {
			return
		}
	}
}

// pass forwards b, subject to the faults. It reports whether the link continues.
func (l *link) pass(dir Direction, to *net.TCPConn, b []byte) bool {
	held := l.arrive(dir, b)
	if held != nil {
		select {
		case <-held.let:
		case <-l.over:
			return false
		}
	}
	if !l.wait(dir, b) {
		return false
	}
	b, cut := l.spoil(dir, b)
	if len(b) > 0 {
		if _, err := to.Write(b); err != nil {
			return false
		}
	}
	if cut {
		l.proxy.mu.Lock()
		defer l.proxy.mu.Unlock()
		l.cut()
	}
	return !cut
}

// arrive counts b and looks for an ambush. It returns the ambush that holds b, if
// any.
func (l *link) arrive(dir Direction, b []byte) *ambush {
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	l.count(dir, len(b))
	if dir == ToClient {
		if l.losing != nil {
			close(l.losing.sprung)
			l.losing = nil
			l.cut()
		}
		return nil
	}
	a := l.proxy.faults.caught(b)
	if a == nil {
		return nil
	}
	switch a.lost {
	case loseRequest:
		close(a.sprung)
		l.cut()
		return nil
	case loseReply:
		l.losing = a
		return nil
	}
	l.proxy.faults.held = append(l.proxy.faults.held, a)
	close(a.sprung)
	return a
}

// wait waits until no delay or stall holds b. It reports whether the link is still
// uncut.
func (l *link) wait(dir Direction, b []byte) bool {
	arrived := time.Now()
	for {
		l.proxy.mu.Lock()
		f, changed := l.proxy.faults, l.proxy.changed
		l.proxy.mu.Unlock()
		var due <-chan time.Time
		if f.stall&dir == 0 {
			left := f.delayOf(dir, b) - time.Since(arrived)
			if left <= 0 {
				break
			}
			due = time.After(left)
		}
		select {
		case <-l.over:
			return false
		case <-changed:
		case <-due:
		}
	}
	select {
	case <-l.over:
		return false
	default:
		return true
	}
}

// spoil returns the bytes that replace b, and whether the link is then cut.
func (l *link) spoil(dir Direction, b []byte) ([]byte, bool) {
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	f := &l.proxy.faults
	if dir == ToClient {
		b = l.shift(b)
	}
	if f.swallow&dir != 0 {
		l.torn = true
		return nil, false
	}
	return f.meter(dir, b)
}
