package lifecycle

import (
	"bytes"
	"hash/maphash"
	"reflect"

	"github.com/sesame-go/sesame/internal/envelope"
)

// encodeCurrent encodes the value and reports whether it still says what is
// stored. Only if it does not it returns data: room for a header and the
// encoding, the caller's to keep.
func (s *Session) encodeCurrent() (data []byte, changed bool, err error) {
	e := s.engine
	buf := e.buffers.Get().(*[]byte)
	defer e.buffers.Put(buf)
	encoding, err := e.encode(*buf, s.value)
	if err != nil {
		// What was stored by another codec may be beyond this one. As long as
		// nobody changed it there is nothing to complain about.
		if before, decodeErr := e.decode(s.current); decodeErr == nil && reflect.DeepEqual(before, s.value) {
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
// Equal hashes settle it, and with a canonical codec that is every unchanged
// session. Different ones may still mean the same: the record was written by
// another codec or by an older T, or holds values that do not come back byte
// for byte. So the stored payload is decoded once more and compared as what it
// is today, encoded and deeply.
func (s *Session) differs(payload []byte) bool {
	sum := maphash.Bytes(seed, payload)
	if sum == s.current.hash && s.current.header.Codec == s.engine.Codec.ID() {
		return false
	}
	before, err := s.engine.decode(s.current)
	if err != nil {
		return true
	}
	if !reflect.DeepEqual(before, s.value) {
		buf := s.engine.buffers.Get().(*[]byte)
		defer s.engine.buffers.Put(buf)
		again, err := s.engine.encode(*buf, before)
		if err != nil || !bytes.Equal(again[envelope.Len:], payload) {
			return true
		}
	}
	s.current.header.Codec = s.engine.Codec.ID()
	s.current.payload = bytes.Clone(payload)
	s.current.hash = sum // settled for the commits that follow in this request
	return false
}
