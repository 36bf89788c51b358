package lifecycle

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"reflect"

	"github.com/sesame-go/sesame/codec"
)

// Whether a session changed is found out by hashing its encoding: once before
// the handler, as it was loaded, and once after it.

// snapshot is a session's encoding, to compare values with and to merge from.
type snapshot struct {
	payload []byte
	before  uint64 // the payload's hash
	codec   byte   // ID of the codec that wrote it
	exact   bool   // the codec would write the same bytes for the value they decode to
}

// seed is this process's own, so that no user can prepare two sessions with
// one hash.
var seed = maphash.MakeSeed()

func (e *Engine) snapshot(payload []byte, codec byte) snapshot {
	return snapshot{payload: payload, before: maphash.Bytes(seed, payload), codec: codec}
}

// encode encodes value into the scratch buffer.
func (e *Engine) encode(scratch *[]byte, value any) error {
	encoding, err := e.Codec.Append((*scratch)[:0], value)
	if err != nil {
		return fmt.Errorf("sesame: encode session: %w", err)
	}
	*scratch = encoding
	return nil
}

// decode returns a fresh *T; a value that was used before would keep what the
// payload lacks. It may share memory with the payload, which is never written
// to.
func (e *Engine) decode(from *snapshot) (any, error) {
	c := e.codecs[from.codec]
	value := reflect.New(e.Type).Interface()
	var err error
	if shared, ok := c.(codec.SharedDecoder); ok {
		from.exact, err = shared.DecodeShared(from.payload, value)
	} else {
		err = c.Decode(from.payload, value)
	}
	if err != nil {
		return nil, err
	}
	return value, nil
}

// changed reports whether value differs from the snapshot it came from. The
// scratch buffer then holds value's encoding.
//
// With equal hashes, before and after, nothing changed; a canonical codec shows
// every unchanged session this way. Different hashes mean a change if the codec
// found that the payload is exactly what it would write. Otherwise the payload
// was written by another codec or for an older T, or holds values that do not
// come back byte for byte, and what it means is compared.
func (e *Engine) changed(from *snapshot, value any, scratch *[]byte) (bool, error) {
	if err := e.encode(scratch, value); err != nil {
		// The codec may be unable to write what another codec has stored. That
		// is no error as long as it is unchanged.
		if old, decodeErr := e.decode(from); decodeErr == nil && reflect.DeepEqual(old, value) {
			return false, nil
		}
		return true, err
	}
	after := maphash.Bytes(seed, *scratch)
	if from.codec == e.Codec.ID() {
		if after == from.before {
			return false, nil
		}
		if from.exact {
			return true, nil
		}
	}
	if !e.sameMeaning(from, value, *scratch) {
		return true, nil
	}
	*from = snapshot{payload: bytes.Clone(*scratch), before: after, codec: e.Codec.ID()}
	return false, nil
}

// sameMeaning decodes the payload and compares that with value, deeply and by
// value's encoding.
func (e *Engine) sameMeaning(from *snapshot, value any, encoding []byte) bool {
	old, err := e.decode(from)
	if err != nil {
		return false
	}
	if reflect.DeepEqual(old, value) {
		return true
	}
	scratch := e.scratch.Get().(*[]byte)
	defer e.scratch.Put(scratch)
	return e.encode(scratch, old) == nil && bytes.Equal(*scratch, encoding)
}
