package codec

import (
	"bytes"
	"unsafe"
)

// Encoding a session with large maps takes most of its time for sorting their keys.
// Most sessions are encoded to see whether they are as they were stored, and the
// stored encoding has the keys in order. So the packer can be given an earlier
// encoding as a guide: where that has a map too, its keys are looked up in the
// map that is to be written, one after the other.
//
// A guide is a hint. Whatever it has, each entry of the map is written once, with
// the keys in order; entries that the guide lacks are sorted in. No entry is written
// before the order of its map is known, so that a wrong guide does not cause
// anything to be written twice.

// guide is a position in an earlier encoding.
type guide struct {
	like  []byte // empty if there is none, or if it was given up
	shift int    // what is written at i in the buffer is expected at i+shift in like
	left  int    // bytes of like that may still be looked at
}

// patience bounds how much of a guide is read, as a multiple of its length. A guide
// of the same session is read about once for each level of maps within maps. A
// wrong one is given up when patience is used up.
const patience = 4

func guidedBy(like []byte, base int) guide {
	return guide{like: like, shift: -base, left: patience * len(like)}
}

// spend counts n bytes of the guide that were read. It reports whether the guide is
// still in use.
func (e *packer) spend(n int) bool {
	if e.left -= n; e.left < 0 {
		e.like = nil
	}
	return len(e.like) > 0
}

// ahead returns how many elements, or entries, the guide has in the array or map
// that is about to be written, and a reader of them. It returns 0 if the guide has
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

// expect notes where the guide has what is written next. A negative at means that
// the guide does not have it.
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

// seek looks for the key that was written from start on among the n keys of the
// guide from at on. It returns the key's position, or at if it is not there.
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
