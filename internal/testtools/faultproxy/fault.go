package faultproxy

import (
	"bytes"
	"time"
)

// faults is what is wrong with the network. Proxy.mu guards it.
type faults struct {
	delay    time.Duration
	slow     time.Duration // for requests that contain slowText
	slowText []byte        // in lower case
	refuse   bool
	swallow  Direction
	stall    Direction
	budget   int64     // of bytes, if metered is set
	metered  Direction // what the budget is for
	spent    chan struct{}
	ambushes []*ambush
	held     []*ambush // those that hold a request, or have held one
	across   bool      // a link out of step takes the latest reply of any link
}

// change changes the faults and wakes the links that wait for a change.
func (p *Proxy) change(f func(*faults)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.faults)
	close(p.changed)
	p.changed = make(chan struct{})
}

// Delay makes all that arrives wait for d before it is passed on, in both
// directions, so that a round trip takes 2d more. What arrives later on the same
// connection waits behind it.
func (p *Proxy) Delay(d time.Duration) { p.change(func(f *faults) { f.delay = d }) }

// DelayRequests makes each request that contains text wait for d before it is
// passed on, and with it all that follows on the same connection. Replies and
// other requests are not delayed. A new call replaces the one before. See
// [Proxy.CutRequest] for what a request is and when it contains text.
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

// Refuse resets all new connections as soon as they are made. Those that exist
// go on; see [Proxy.Cut].
func (p *Proxy) Refuse() { p.change(func(f *faults) { f.refuse = true }) }

// BlackHole swallows what goes in the given directions, while the connections
// stay open and new ones are accepted. With ToClient alone the server does what
// it is told and its answers are lost.
func (p *Proxy) BlackHole(d Direction) { p.change(func(f *faults) { f.swallow = d }) }

// Stall is a BlackHole that loses nothing: [Proxy.Heal] lets pass what has
// arrived. So a request takes effect long after its sender has given it up.
func (p *Proxy) Stall(d Direction) { p.change(func(f *faults) { f.stall = d }) }

// CutAfter lets n more bytes pass in direction d, over all connections
// together, and then cuts the connection that brings the next one. The channel
// is closed when that has happened. A new call replaces the one before.
func (p *Proxy) CutAfter(d Direction, n int64) <-chan struct{} {
	spent := make(chan struct{})
	p.change(func(f *faults) { f.metered, f.budget, f.spent = d, n, spent })
	return spent
}

// Cut resets all connections. New ones are welcome.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.cut()
	}
}

// Heal ends all faults. Connections that have lost bytes in a BlackHole, or
// that are out of step, are cut. A peer that still used them would read from the
// middle of a message, which no real network makes it do.
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

// meter takes b from the budget. It returns how much of it may pass, and
// whether the connection must be cut then. The caller holds p.mu.
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
