// Package envelope is the format of stored sessions: a header of fixed length,
// then the codec's bytes untouched. docs/FORMAT.md is its specification.
package envelope

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/sesame-go/sesame/internal/token"
)

// Len is the length of the header. The codec's bytes begin right after it, so
// SQL's substr(data, 44) is a session in the codec's own form.
const Len = 1 + 1 + 1 + 8 + 8 + 8 + len(token.Binding{})

const format = 1

const (
	flagRemembered = 1 << iota
	flagMoved
	flagsKnown = flagRemembered | flagMoved
)

// Header is what the manager must know of a stored session. Times and
// durations are kept to the millisecond.
type Header struct {
	Codec      byte          // ID of the codec that wrote the payload
	Remembered bool          // the session lives Idle from Created on, and so does its cookie
	Moved      bool          // the session is at another key by now: this record is dead
	Created    time.Time     // when the session was created or last renewed
	Deadline   time.Time     // when it ends, however busy
	Idle       time.Duration // how long it lives without a request; 0: until Deadline
	Binding    token.Binding // proves whose record it is
}

// ErrForeign is wrapped by all errors of [Open].
var ErrForeign = errors.New("not a session of this format")

// Put writes h into the first [Len] bytes of data.
func Put(data []byte, h Header) {
	var flags byte
	if h.Remembered {
		flags |= flagRemembered
	}
	if h.Moved {
		flags |= flagMoved
	}
	_ = data[Len-1]
	data[0] = format
	data[1] = h.Codec
	data[2] = flags
	binary.BigEndian.PutUint64(data[3:], uint64(h.Created.UnixMilli()))
	binary.BigEndian.PutUint64(data[11:], uint64(h.Deadline.UnixMilli()))
	binary.BigEndian.PutUint64(data[19:], uint64(h.Idle.Milliseconds()))
	copy(data[27:], h.Binding[:])
}

// Open splits data into its header and the codec's bytes, which alias data.
func Open(data []byte) (Header, []byte, error) {
	if len(data) < Len {
		return Header{}, nil, fmt.Errorf("%w: %d bytes, the header alone has %d", ErrForeign, len(data), Len)
	}
	if data[0] != format {
		return Header{}, nil, fmt.Errorf("%w: format version %d, not %d", ErrForeign, data[0], format)
	}
	if data[2]&^flagsKnown != 0 {
		return Header{}, nil, fmt.Errorf("%w: unknown flags %#x", ErrForeign, data[2])
	}
	idle := int64(binary.BigEndian.Uint64(data[19:]))
	if idle < 0 || idle > int64(maxIdle/time.Millisecond) {
		return Header{}, nil, fmt.Errorf("%w: idle limit of %d ms", ErrForeign, idle)
	}
	return Header{
		Codec:      data[1],
		Remembered: data[2]&flagRemembered != 0,
		Moved:      data[2]&flagMoved != 0,
		Created:    time.UnixMilli(int64(binary.BigEndian.Uint64(data[3:]))),
		Deadline:   time.UnixMilli(int64(binary.BigEndian.Uint64(data[11:]))),
		Idle:       time.Duration(idle) * time.Millisecond,
		Binding:    token.Binding(data[27:Len]),
	}, data[Len:], nil
}

const maxIdle = time.Duration(1<<63 - 1)
