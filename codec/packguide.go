package codec

import (
	"bytes"
	"unsafe"
)

// Most of what encoding a session with large maps takes is to sort their keys.
// Most sessions are encoded to see that they are as they were stored, and what
// is stored has the keys in order. So the packer can be given an earlier
// encoding as a guide: where that has a map too, its keys are looked up in the
// map that is to be written, one after the other.
//
// A guide is a hint. Whatever it says, each entry of the map is written once and
// the keys ascend; entries that the guide lacks are sorted in. Nothing of a value
// is written before the order of its map is known, so that a guide that is wrong
// does not have anything written twice.

// guide is where the packer is in an earlier encoding.
type guide struct {
	like  []byte // empty if there is none, or if it was given up
	shift int    // what is written at i in the buffer is expected at i+shift in like
	left  int    // bytes of like that may still be looked at
}

// patience is how many times a guide may be read over to find the way in it. One
// of the same session takes once for each level of maps within maps, and little
// more. One that lies is given up, and has cost so many times its length.
const patience = 4

func guidedBy(like []byte, base int) guide {
	return guide{like: like, shift: -base, left: patience * len(like)}
}

// spend counts n bytes of the guide that were looked at. It reports whether
// there still is a guide.
func (e *packer) spend(n int) bool {
	if e.left -= n; e.left < 0 {
		e.like = nil
	}
	return len(e.like) > 0
}

// ahead returns how many elements the guide has in the array, or entries in the
// map, that is about to be written, and what reads them: none if it has
// something else there.
func (e *packer) ahead(k kind) (r reader, n int) {
	at := len(e.buf) + e.shift
	if uint(at) >= uint(len(e.like)) {
		return r, 0
	}
	r = reader{data: e.like, text: unsafe.String(unsafe.SliceData(e.like), len(e.like)), pos: at}
	if h, err := r.head(); err == nil && h.kind == k && h.n > 0 {
		return r, h.n
	}
	return reader{}, 0
}

// expect notes that the guide has at at what is written next, or not at all if
// that is negative.
func (e *packer) expect(at int) {
	if at < 0 {
		at = len(e.like)
	}
	e.shift = at - len(e.buf)
}

// keysAhead returns how many keys the guide has for the struct or map that is
// about to be written, and where the first is. They are for seek.
func (e *packer) keysAhead() (at, n int) {
	r, n := e.ahead(kindMap)
	return r.pos, n
}

// seek finds the key that was written from start on among the guide's keys, of
// which at most n come from at on, and returns where it is.
func (e *packer) seek(start, at, n int) int {
	key := e.buf[start:]
	if here := start + e.shift; uint(here) < uint(len(e.like)) && bytes.HasPrefix(e.like[here:], key) {
		return here
	}
	r := reader{data: e.like, pos: at}
	for ; n > 0 && r.pos < len(r.data); n-- {
		if r.passes(key) {
			e.expect(r.pos)
			e.spend(r.pos - at)
			return r.pos - len(key)
		}
		if r.skipEntry() != nil {
			break
		}
	}
	e.spend(r.pos - at)
	e.expect(-1)
	return at
}
