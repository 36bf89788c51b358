package faultproxy

import (
	"bytes"
	"slices"
	"sync"
)

// An ambush waits for the nth request that contains a text.
type ambush struct {
	text   []byte
	nth    int
	lost   losses
	sprung chan struct{}
	let    chan struct{} // closed when what is held may go on
	once   sync.Once     // closes let
}

type losses int

const (
	loseNothing losses = iota
	loseRequest
	loseReply
)

// CutRequest cuts the connection that brings the nth request from now on which
// contains text, instead of passing it on: it has no effect. Once; the channel
// is closed when it has happened. Upper and lower case of ASCII are the same,
// and n counts from 1. A request is what arrives in one piece; what a client
// sends together counts, and is lost, together.
func (p *Proxy) CutRequest(text string, nth int) <-chan struct{} {
	return p.ambush(text, nth, loseRequest).sprung
}

// CutReply is like [Proxy.CutRequest], but passes the request on and cuts the
// connection when the server has answered: the effect is there, and the answer
// is lost.
func (p *Proxy) CutReply(text string, nth int) <-chan struct{} {
	return p.ambush(text, nth, loseReply).sprung
}

// Hold keeps the nth request from now on that contains text from going on, and
// with it all that follows on the same connection, until release is called or
// the proxy is healed. The channel is closed when the request is there. See
// CutRequest for the meaning of nth and text.
func (p *Proxy) Hold(text string, nth int) (arrived <-chan struct{}, release func()) {
	a := p.ambush(text, nth, loseNothing)
	return a.sprung, a.free
}

func (p *Proxy) ambush(text string, nth int, lost losses) *ambush {
	a := &ambush{
		text: lower([]byte(text)), nth: nth, lost: lost,
		sprung: make(chan struct{}), let: make(chan struct{}),
	}
	p.change(func(f *faults) { f.ambushes = append(f.ambushes, a) })
	return a
}

func (a *ambush) free() { a.once.Do(func() { close(a.let) }) }

// caught returns the ambush that a request has run into, if any. The caller
// holds p.mu.
func (f *faults) caught(request []byte) *ambush {
	if len(f.ambushes) == 0 {
		return nil
	}
	request = lower(request)
	var first *ambush
	f.ambushes = slices.DeleteFunc(f.ambushes, func(a *ambush) bool {
		if first != nil || !bytes.Contains(request, a.text) {
			return false
		}
		if a.nth--; a.nth > 0 {
			return false
		}
		first = a
		return true
	})
	return first
}

// lower returns b in lower case, byte by byte: it need not be text.
func lower(b []byte) []byte {
	b = bytes.Clone(b)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}
