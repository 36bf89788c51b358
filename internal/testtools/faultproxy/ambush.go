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
	let    chan struct{} // closed when the held request may continue
	once   sync.Once     // closes let
}

type losses int

const (
	loseNothing losses = iota
	loseRequest
	loseReply
)

// CutRequest does not forward the nth request from now on that contains text, but
// cuts its connection, so that the request has no effect. It does so once; the
// channel is closed when it has happened. Nth counts from 1, and text is matched
// without regard to ASCII case. A request is what arrives in one piece: requests
// that a client sends together count as one.
func (p *Proxy) CutRequest(text string, nth int) <-chan struct{} {
	return p.ambush(text, nth, loseRequest).sprung
}

// CutReply is like [Proxy.CutRequest], but forwards the request and cuts the
// connection when the server answers: the request takes effect, and its answer is
// lost.
func (p *Proxy) CutReply(text string, nth int) <-chan struct{} {
	return p.ambush(text, nth, loseReply).sprung
}

// Hold holds back the nth request from now on that contains text, together with
// everything that follows on the same connection, until release or [Proxy.Heal] is
// called. The channel is closed when the request has arrived. [Proxy.CutRequest]
// says how nth and text are meant.
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

// caught returns the ambush that waits for this request, if any. The caller holds
// p.mu.
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

// lower returns b with ASCII letters in lower case; b need not be text.
func lower(b []byte) []byte {
	b = bytes.Clone(b)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}
