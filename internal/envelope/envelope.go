// Package envelope is the format of stored sessions: a header, then the
// codec's bytes untouched. docs/FORMAT.md is its specification.
package envelope

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/sesame-go/sesame/internal/token"
)

// The header, big-endian. In every version of the format the first four fields
// stay where they are, so that a program can tell whose a record is, and delete
// it, without being able to read it.
const (
	atFormat   = 0
	atFlags    = 1
	atSecret   = 2
	atPrevious = 18
	atCodec    = 34
	atSchema   = 35
	atCreated  = 37
	atRenewed  = 45
	atDeadline = 53
	atIdle     = 61
	atAppended = 69 // the length of what is appended to the header

	fixed = atCodec // the length of what never changes place
)

// Len is the length of a header to which nothing is appended.
const Len = atAppended + 2

const format = 1

const (
	flagRemembered = 1 << iota
	flagBound
	flagsKnown = flagRemembered | flagBound
)

// Header is what the manager must know of a stored session. Times and
// durations are kept to the millisecond.
type Header struct {
	Secret     token.Hash    // of the token that is good
	Previous   token.Hash    // of the token that it replaced, zero if there was none
	Remembered bool          // the cookie outlives the browser
	Codec      byte          // ID of the codec that wrote the payload
	Schema     uint16        // version of the user's struct
	Created    time.Time     // when the session was created
	Renewed    time.Time     // when its token was last replaced; at first when it was created
	Deadline   time.Time     // when it ends however busy; zero: it does not
	Idle       time.Duration // how long it lives without a request; 0: until Deadline
	Bound      bool          // a request needs a proof of the device's key, too
	Device     []byte        // what is known of the device, see package dbsc; at most 65533 bytes with Extra
	Extra      []byte        // what later versions have appended, kept as it is
}

// Errors that [Open] wraps.
var (
	// ErrNewer says that a later version of the format was used.
	ErrNewer = errors.New("stored by a newer version")

	// ErrDamaged says that the data is no session.
	ErrDamaged = errors.New("not a stored session")
)

// Size returns the length of the header.
func (h *Header) Size() int {
	if n := len(h.Device) + len(h.Extra); n > 0 {
		return Len + 2 + n
	}
	return Len
}

// Append appends the header to dst.
func (h *Header) Append(dst []byte) []byte {
	var flags byte
	if h.Remembered {
		flags |= flagRemembered
	}
	if h.Bound {
		flags |= flagBound
	}
	dst = append(dst, format, flags)
	dst = append(dst, h.Secret[:]...)
	dst = append(dst, h.Previous[:]...)
	dst = append(dst, h.Codec)
	dst = binary.BigEndian.AppendUint16(dst, h.Schema)
	dst = appendTime(dst, h.Created)
	dst = appendTime(dst, h.Renewed)
	dst = appendTime(dst, h.Deadline)
	dst = binary.BigEndian.AppendUint64(dst, uint64(h.Idle.Milliseconds()))
	dst = binary.BigEndian.AppendUint16(dst, uint16(h.Size()-Len))
	if h.Size() > Len {
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(h.Device)))
		dst = append(dst, h.Device...)
		dst = append(dst, h.Extra...)
	}
	return dst
}

// Open splits data into its header and the codec's bytes, which alias data. If
// it returns an error and named is true, Secret and Previous are valid all the
// same.
func Open(data []byte) (h Header, payload []byte, named bool, err error) {
	if len(data) < fixed {
		return Header{}, nil, false, fmt.Errorf("%w: it has %d bytes", ErrDamaged, len(data))
	}
	h.Secret = token.Hash(data[atSecret:atPrevious])
	h.Previous = token.Hash(data[atPrevious:atCodec])
	switch {
	case data[atFormat] == 0:
		return h, nil, true, fmt.Errorf("%w: format 0", ErrDamaged)
	case data[atFormat] > format:
		return h, nil, true, fmt.Errorf("%w: format %d, this program reads %d", ErrNewer, data[atFormat], format)
	case data[atFlags]&^flagsKnown != 0:
		return h, nil, true, fmt.Errorf("%w: unknown flags %#x", ErrNewer, data[atFlags]&^flagsKnown)
	case len(data) < Len:
		return h, nil, true, fmt.Errorf("%w: it has %d bytes", ErrDamaged, len(data))
	}
	end := Len + int(binary.BigEndian.Uint16(data[atAppended:]))
	idle := binary.BigEndian.Uint64(data[atIdle:])
	switch {
	case len(data) < end:
		return h, nil, true, fmt.Errorf("%w: it has %d bytes, its header alone %d", ErrDamaged, len(data), end)
	case idle > math.MaxInt64/uint64(time.Millisecond):
		return h, nil, true, fmt.Errorf("%w: idle timeout of %d ms", ErrDamaged, idle)
	}
	h.Remembered = data[atFlags]&flagRemembered != 0
	h.Codec = data[atCodec]
	h.Schema = binary.BigEndian.Uint16(data[atSchema:])
	h.Created = getTime(data[atCreated:])
	h.Renewed = getTime(data[atRenewed:])
	h.Deadline = getTime(data[atDeadline:])
	h.Idle = time.Duration(idle) * time.Millisecond
	h.Bound = data[atFlags]&flagBound != 0
	if h.Device, h.Extra, err = appended(data[Len:end]); err != nil {
		return h, nil, true, err
	}
	return h, data[end:], true, nil
}

// Locked returns a copy of data, of any version, that no token opens.
func Locked(data []byte) []byte {
	data = slices.Clone(data)
	if len(data) >= fixed {
		clear(data[atSecret:fixed])
	}
	return data
}

// appended splits what is appended to the header: the length of what is known
// of the device, that, and what later versions have added.
func appended(data []byte) (device, extra []byte, err error) {
	switch {
	case len(data) == 0:
		return nil, nil, nil
	case len(data) < 3 || len(data) < 2+int(binary.BigEndian.Uint16(data)):
		return nil, nil, fmt.Errorf("%w: %d bytes are appended to its header, fewer than they say", ErrDamaged, len(data))
	}
	end := 2 + int(binary.BigEndian.Uint16(data))
	if end > 2 {
		device = slices.Clip(data[2:end])
	}
	if end < len(data) {
		extra = slices.Clip(data[end:])
	}
	return device, extra, nil
}

// appendTime appends t in milliseconds since 1970; 0 is the zero time.
func appendTime(dst []byte, t time.Time) []byte {
	var ms int64
	if !t.IsZero() {
		ms = t.UnixMilli()
	}
	return binary.BigEndian.AppendUint64(dst, uint64(ms))
}

func getTime(data []byte) time.Time {
	ms := int64(binary.BigEndian.Uint64(data))
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
