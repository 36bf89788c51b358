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

// encoded is a session as a codec has written it.
type encoded struct {
	payload []byte
	codec   byte   // the codec's ID
	schema  uint16 // the version of the session type
}

// snapshot is a session's encoding, to compare values with and to merge from.
type snapshot struct {
	encoded
	before  uint64 // the payload's hash, 0 if this request has saved it and not looked at it since
	own     bool   // before is of what this program's codec writes for this program's T
	exact   bool   // and what the codec writes otherwise is another value
	unknown bool   // the payload has fields that T does not have
}

// seed is this process's own, so that no user can prepare two sessions with
// one hash.
var seed = maphash.MakeSeed()

func (from snapshot) clone() snapshot {
	from.payload = bytes.Clone(from.payload)
	return from
}

func (e *Engine) snapshot(from encoded) snapshot {
	return snapshot{
		encoded: from, before: hash(from.payload),
		own: from.codec == e.Codec.ID() && from.schema == e.schema,
	}
}

func hash(payload []byte) uint64 { return maphash.Bytes(seed, payload) }

// written is what this program's codec has just written.
func (e *Engine) written(payload []byte) encoded {
	return encoded{payload, e.Codec.ID(), e.schema}
}

// encode encodes value into the scratch buffer. A codec that can is given what
// value came from, which may be nil: it is faster with it, and writes the same.
func (e *Engine) encode(scratch *[]byte, value any, from *snapshot) error {
	var encoding []byte
	var err error
	if c, ok := e.Codec.(codec.LikeAppender); ok && from != nil && from.codec == e.Codec.ID() {
		encoding, err = c.AppendLike((*scratch)[:0], value, from.payload)
	} else {
		encoding, err = e.Codec.Append((*scratch)[:0], value)
	}
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
	t, steps := e.typeOf(int(from.schema))
	value := reflect.New(t).Interface()
	var err error
	var found codec.Found
	if shared, ok := c.(codec.SharedDecoder); ok {
		found, err = shared.DecodeShared(from.payload, value)
	} else {
		err = c.Decode(from.payload, value)
	}
	switch {
	case err != nil:
		return nil, err
	case len(steps) > 0:
		return e.upgrade(value, steps, from)
	}
	from.exact, from.unknown = found.Exact, found.Unknown
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
	if err := e.encode(scratch, value, from); err != nil {
		// The codec may be unable to write what another codec has stored. That
		// is no error as long as it is unchanged.
		if old, decodeErr := e.decode(from); decodeErr == nil && reflect.DeepEqual(old, value) {
			return false, nil
		}
		return true, err
	}
	if from.before == 0 {
		from.before = hash(from.payload)
	}
	if from.own {
		if after := hash(*scratch); after == from.before {
			return false, nil
		}
		if from.exact {
			return true, nil
		}
	}
	if !e.sameMeaning(from, value, *scratch) {
		return true, nil
	}
	*from = e.snapshot(e.written(bytes.Clone(*scratch)))
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
	return e.encode(scratch, old, from) == nil && bytes.Equal(*scratch, encoding)
}
