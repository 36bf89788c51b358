package faultproxy

// Traffic is what has arrived at a proxy, whether it was passed on or not.
type Traffic struct {
	Connections int   // accepted, without those that were refused
	RoundTrips  int   // how often a connection turned to the server after it had heard from it, or for the first time
	ToServer    int64 // bytes that clients sent
	ToClient    int64 // bytes that the server sent
}

// Sub returns the traffic since an earlier reading.
func (t Traffic) Sub(earlier Traffic) Traffic {
	return Traffic{
		Connections: t.Connections - earlier.Connections,
		RoundTrips:  t.RoundTrips - earlier.RoundTrips,
		ToServer:    t.ToServer - earlier.ToServer,
		ToClient:    t.ToClient - earlier.ToClient,
	}
}

// Traffic returns what has arrived since the proxy was made. A round trip is a
// change of direction: any number of requests that are sent before the first
// of their replies comes back are one. So a client that does several things at
// once over one connection has fewer than it has calls.
func (p *Proxy) Traffic() Traffic {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.traffic
}

// count takes note of n bytes. The caller holds p.mu.
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
