package faultproxy

import "bytes"

// Desync shifts the replies on all open connections by one, as if the client had
// returned a connection to its pool with an unread reply on it: from now on each
// request is answered with the reply to the request before it, and the first one
// with a repetition of the last reply. No more bytes than that are readable, so a
// client cannot notice by looking at the socket. New connections and messages that
// the server pushes are not affected.
//
// Desync needs a protocol that answers requests in their order, and knows only
// Redis' RESP 2 and 3. [Proxy.Heal] cuts the affected connections.
func (p *Proxy) Desync() { p.desync(false) }

// DesyncAcross is like [Proxy.Desync], but each request is answered with the latest
// reply on any connection, so that clients get replies to the requests of others.
func (p *Proxy) DesyncAcross() { p.desync(true) }

func (p *Proxy) desync(across bool) {
	p.change(func(f *faults) {
		f.across = across
		for l := range p.links {
			l.replies.late = true
		}
	})
}

// replies follows the stream of a server's replies.
type replies struct {
	rest   []byte // the beginning of a reply that is not complete
	latest []byte // the last complete one
	alien  bool   // the stream is not RESP
	late   bool   // Desync takes effect at the end of the current reply
}

// most is the longest reply; more than that is taken for another protocol.
const most = 64 << 20

// shift returns what the client gets when the server sends b. The caller holds
// Proxy.mu.
func (l *link) shift(b []byte) []byte {
	r, p := &l.replies, l.proxy
	if r.alien {
		return b
	}
	if r.late && len(r.rest) == 0 {
		l.shifted = true
	}
	var out []byte
	r.rest = append(r.rest, b...)
	for len(r.rest) > 0 {
		n, ok := replyLen(r.rest)
		if !ok || n == 0 && len(r.rest) > most {
			r.alien, r.rest = true, nil
			return b
		}
		if n == 0 {
			break
		}
		reply := bytes.Clone(r.rest[:n])
		r.rest = r.rest[n:]
		if reply[0] == '>' { // pushed, the reply to no request
			out = append(out, reply...)
			continue
		}
		previous := r.latest
		if p.faults.across {
			previous = p.latest
		}
		if previous == nil {
			previous = reply
		}
		out = append(out, previous...)
		r.latest, p.latest = reply, reply
	}
	if !l.shifted {
		return b
	}
	return out
}

// replyLen returns the length of the reply that b begins with, or 0 if the reply is
// not complete. It reports false if b cannot be RESP.
func replyLen(b []byte) (n int, ok bool) {
	open := 1 // replies that are still missing, including those in arrays
	for open > 0 {
		kind, size, head, ok := replyHead(b[n:])
		if !ok || head == 0 {
			return 0, ok
		}
		n += head
		open--
		switch kind {
		case '$', '=', '!':
			if size >= 0 {
				n += size + 2
			}
		case '*', '~', '>':
			open += max(size, 0)
		case '%':
			open += 2 * max(size, 0)
		}
		if n > len(b) {
			return 0, true
		}
	}
	return n, true
}

// replyHead reads the first line of a reply, of the length head: 0 if it is
// not complete.
func replyHead(b []byte) (kind byte, size, head int, ok bool) {
	if len(b) == 0 {
		return 0, 0, 0, true
	}
	kind = b[0]
	sized := bytes.IndexByte([]byte("$=!*~>%"), kind) >= 0
	if !sized && bytes.IndexByte([]byte("+-:_,#("), kind) < 0 {
		return 0, 0, 0, false
	}
	end := bytes.Index(b, []byte("\r\n"))
	if end < 0 {
		return 0, 0, 0, !sized || len(b) < 12
	}
	if sized {
		size, ok = parseSize(b[1:end])
		if !ok {
			return 0, 0, 0, false
		}
	}
	return kind, size, end + 2, true
}

// parseSize reads a length, or -1.
func parseSize(b []byte) (int, bool) {
	if string(b) == "-1" {
		return -1, true
	}
	if len(b) == 0 || len(b) > 9 {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}
