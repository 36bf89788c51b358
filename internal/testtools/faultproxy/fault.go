package faultproxy

import (
	"bytes"
	"time"
)

// faults are the current faults of the network, guarded by Proxy.mu.
type faults struct {
	delay    time.Duration
	slow     time.Duration // for requests that contain slowText
	slowText []byte        // in lower case
	refuse   bool
	swallow  Direction
	stall    Direction
	budget   int64     // bytes until the cut, if metered is set
	metered  Direction // the direction that the budget is for
	spent    chan struct{}
	ambushes []*ambush
	held     []*ambush // the ambushes that hold a request, or have held one
	across   bool      // shifted links take the latest reply of any link
}

// change changes the faults and wakes the links that wait for a change.
func (p *Proxy) change(f func(*faults)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.faults)
	close(p.changed)
	p.changed = make(chan struct{})
}

// Delay delays all bytes by d, in both directions, so that a round trip takes 2d
// longer. Bytes that arrive later on the same connection wait behind them.
func (p *Proxy) Delay(d time.Duration) { p.change(func(f *faults) { f.delay = d }) }

// DelayRequests delays each request that contains text by d, together with
// everything that follows on the same connection. Other connections and replies are
// not delayed. A new call replaces an earlier one. [Proxy.CutRequest] says what a
// request is, and when it contains text.
func (p *Proxy) DelayRequests(text string, d time.Duration) {
	p.change(func(f *faults) { f.slow, f.slowText = d, lower([]byte(text)) })
}

// delayOf returns how long b has to wait.
func (f *faults) delayOf(dir Direction, b []byte) time.Duration {
	if f.slow > 0 && dir == ToServer && bytes.Contains(lower(b), f.slowText) {
		return f.delay + f.slow
	}
	return f.delay
}

// Refuse resets every new connection as soon as it is made. Existing connections
// continue; see [Proxy.Cut].
func (p *Proxy) Refuse() { p.change(func(f *faults) { f.refuse = true }) }

// BlackHole drops all bytes in the given directions, while the connections stay
// open and new ones are accepted. With [ToClient] alone, requests take effect and
// their replies are lost.
func (p *Proxy) BlackHole(d Direction) { p.change(func(f *faults) { f.swallow = d }) }

// Stall holds all bytes in the given directions back until [Proxy.Heal] lets them
// pass, so that a request can take effect long after its sender has given up.
func (p *Proxy) Stall(d Direction) { p.change(func(f *faults) { f.stall = d }) }

// CutAfter lets n more bytes pass in direction d, counted over all connections, and
// then cuts the connection on which the next byte arrives. The channel is closed
// when the connection has been cut. A new call replaces an earlier one.
func (p *Proxy) CutAfter(d Direction, n int64) <-chan struct{} {
	spent := make(chan struct{})
	p.change(func(f *faults) { f.metered, f.budget, f.spent = d, n, spent })
	return spent
}

// Cut resets all connections. New connections are accepted.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.cut()
	}
}

// Heal ends all faults. It cuts the connections that have lost bytes in a
// [Proxy.BlackHole] or were shifted by [Proxy.Desync]: their peers could otherwise
// read from the middle of a message, which cannot happen in a real network.
func (p *Proxy) Heal() {
	p.change(func(f *faults) {
		for _, a := range f.held {
			a.free()
		}
		*f = faults{}
		for l := range p.links {
			l.replies.late = false
			if l.torn || l.shifted {
				l.cut()
			}
		}
	})
}

// meter subtracts b from the budget. It returns how much of b may pass, and whether
// the connection must then be cut. The caller holds p.mu.
func (f *faults) meter(dir Direction, b []byte) ([]byte, bool) {
	if f.metered&dir == 0 {
		return b, false
	}
	if int64(len(b)) <= f.budget {
		f.budget -= int64(len(b))
		return b, false
	}
	b = b[:f.budget]
	close(f.spent)
	f.metered = 0
	return b, true
}
