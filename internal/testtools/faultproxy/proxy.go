// Package faultproxy is a TCP proxy between a program under test and a real server.
// It makes the network fail in realistic ways: it delays and drops bytes, cuts and
// refuses connections, and delivers wrong replies. It forwards any protocol over
// TCP; only [Proxy.Desync] must know where a reply ends, and knows only RESP, the
// protocol of Redis.
//
//	p, err := faultproxy.New(os.Getenv("SESAME_TEST_REDIS"))
//	…
//	defer p.Close()
//	client := connect(p.Addr())
//	p.BlackHole(faultproxy.ToClient) // requests arrive, replies do not
//	…
//	p.Heal()
package faultproxy

import (
	"fmt"
	"net"
	"sync"
	"time"
)

// Direction is the direction in which bytes travel.
type Direction uint8

// The directions. They can be combined.
const (
	ToServer Direction = 1 << iota
	ToClient
	Both = ToServer | ToClient
)

// Proxy accepts connections on its own port and forwards them to a server. It
// starts without faults. Its methods are safe for concurrent use, and affect the
// bytes that arrive at the proxy after they have returned.
type Proxy struct {
	target   string
	listener net.Listener
	running  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	links   map[*link]bool
	faults  faults
	changed chan struct{} // closed and replaced when the faults change
	traffic Traffic
	latest  []byte // the last reply on any link
}

// New starts a proxy on a free port of 127.0.0.1 that forwards to target, a host
// and a port. It dials the target for each client that connects. The caller must
// call [Proxy.Close].
func New(target string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("faultproxy: listen: %w", err)
	}
	p := &Proxy{
		target: target, listener: listener,
		links: make(map[*link]bool), changed: make(chan struct{}),
	}
	p.running.Go(p.accept)
	return p, nil
}

// Addr returns the host and port of the proxy, to connect to instead of the server.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Close cuts all connections and waits until the proxy's goroutines have ended. It
// may be called more than once.
func (p *Proxy) Close() error {
	p.mu.Lock()
	again := p.closed
	p.closed = true
	p.mu.Unlock()
	if again {
		return nil
	}
	err := p.listener.Close()
	p.Cut()
	p.running.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.running.Go(func() { p.serve(client.(*net.TCPConn)) })
	}
}

// serve connects a client to the server and forwards until either side ends.
func (p *Proxy) serve(client *net.TCPConn) {
	l := &link{proxy: p, client: client, over: make(chan struct{})}
	if !p.admit(l) {
		reset(client)
		return
	}
	defer p.forget(l)
	server, err := net.DialTimeout("tcp", p.target, 10*time.Second)
	if err != nil {
		reset(client)
		return
	}
	if !l.connect(server.(*net.TCPConn)) {
		reset(client)
		reset(l.server)
		return
	}
	defer l.end()
	var pumps sync.WaitGroup
	pumps.Go(func() { l.pump(ToServer, l.client, l.server) })
	pumps.Go(func() { l.pump(ToClient, l.server, l.client) })
	pumps.Wait()
}

// admit registers a link, unless connections are refused.
func (p *Proxy) admit(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.faults.refuse {
		return false
	}
	p.links[l] = true
	p.traffic.Connections++
	return true
}

func (p *Proxy) forget(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// reset closes a connection so that its peer notices immediately and loses what it
// has not read yet.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}
