package faultproxy

// Traffic counts what has arrived at a [Proxy], whether it was forwarded or not.
type Traffic struct {
	Connections int   // accepted, without those that were refused
	RoundTrips  int   // changes of direction: bytes to the server that came first on a connection, or after bytes to the client
	ToServer    int64 // bytes that clients sent
	ToClient    int64 // bytes that the server sent
}

// Sub returns the traffic between an earlier reading and t.
func (t Traffic) Sub(earlier Traffic) Traffic {
	return Traffic{
		Connections: t.Connections - earlier.Connections,
		RoundTrips:  t.RoundTrips - earlier.RoundTrips,
		ToServer:    t.ToServer - earlier.ToServer,
		ToClient:    t.ToClient - earlier.ToClient,
	}
}

// Traffic returns the counts since the proxy was made. A round trip is a change of
// direction: all requests that are sent before the first of their replies arrives
// are one round trip. So concurrent calls over one connection may be fewer round
// trips than calls.
func (p *Proxy) Traffic() Traffic {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.traffic
}

// count counts n bytes. The caller holds p.mu.
func (l *link) count(dir Direction, n int) {
	t := &l.proxy.traffic
	if dir == ToClient {
		t.ToClient += int64(n)
	} else {
		t.ToServer += int64(n)
		if l.last != ToServer {
			t.RoundTrips++
		}
	}
	l.last = dir
}
