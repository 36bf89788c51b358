package lifecycle

import (
	"bytes"
	"reflect"

	"github.com/sesame-go/sesame/internal/envelope"
)

// encodeCurrent reports whether the value says something else than what is
// stored. Only if it does it returns data: room for a header and the encoding,
// the caller's to keep.
func (s *Session) encodeCurrent() (data []byte, changed bool, err error) {
	e := s.engine
	buf := e.buffers.Get().(*[]byte)
	defer e.buffers.Put(buf)
	encoding, err := e.encode(*buf, s.value)
	if err != nil {
		// What was stored by another codec may be beyond this one. As long as
		// nobody changed it there is nothing to complain about.
		if before, decodeErr := e.decode(&s.current); decodeErr == nil && reflect.DeepEqual(before, s.value) {
			return nil, false, nil
		}
		return nil, true, err
	}
	*buf = encoding
	if !s.differs(encoding[envelope.Len:]) {
		return nil, false, nil
	}
	return bytes.Clone(encoding), true, nil
}

// differs compares the value, whose encoding is payload, with what is stored.
//
// Equal bytes settle it, and with a canonical codec that is every unchanged
// session. Different ones do if the codec has found that the stored ones are
// just what it would have written. Otherwise they may still mean the same: the
// record was written by another codec or by an older T, or holds values that do
// not come back byte for byte. So the stored payload is decoded once more and
// compared as what it is today, encoded and deeply.
func (s *Session) differs(payload []byte) bool {
	e := s.engine
	if s.current.header.Codec == e.Codec.ID() {
		if same := bytes.Equal(payload, s.current.payload); same || s.current.exact {
			return !same
		}
	}
	before, err := e.decode(&s.current)
	if err != nil {
		return true
	}
	if !reflect.DeepEqual(before, s.value) {
		buf := e.buffers.Get().(*[]byte)
		defer e.buffers.Put(buf)
		again, err := e.encode(*buf, before)
		if err != nil || !bytes.Equal(again[envelope.Len:], payload) {
			return true
		}
	}
	// Settled for the commits that follow in this request.
	s.current.header.Codec = e.Codec.ID()
	s.current.payload, s.current.exact = bytes.Clone(payload), false
	return false
}
