package codec

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// The wire format is MessagePack's: https://github.com/msgpack/msgpack/blob/master/spec.md.
// Numbers take the shortest form that holds them, as with UseCompactInts of
// vmihailenco/msgpack.
const (
	codeFixMap   = 0x80
	codeFixArray = 0x90
	codeFixStr   = 0xa0
	codeNil      = 0xc0
	codeFalse    = 0xc2
	codeTrue     = 0xc3
	codeBin8     = 0xc4
	codeBin16    = 0xc5
	codeBin32    = 0xc6
	codeExt8     = 0xc7
	codeExt16    = 0xc8
	codeExt32    = 0xc9
	codeFloat32  = 0xca
	codeFloat64  = 0xcb
	codeUint8    = 0xcc
	codeUint16   = 0xcd
	codeUint32   = 0xce
	codeUint64   = 0xcf
	codeInt8     = 0xd0
	codeInt16    = 0xd1
	codeInt32    = 0xd2
	codeInt64    = 0xd3
	codeFixExt1  = 0xd4
	codeFixExt4  = 0xd6
	codeFixExt8  = 0xd7
	codeFixExt16 = 0xd8
	codeStr8     = 0xd9
	codeStr16    = 0xda
	codeStr32    = 0xdb
	codeArray16  = 0xdc
	codeArray32  = 0xdd
	codeMap16    = 0xde
	codeMap32    = 0xdf
	codeNegFix   = 0xe0

	extTime = -1
)

func appendInt(b []byte, n int64) []byte {
	switch {
	case n >= 0:
		return appendUint(b, uint64(n))
	case n >= -32:
		return append(b, byte(n))
	case n >= math.MinInt8:
		return append(b, codeInt8, byte(n))
	case n >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(b, codeInt16), uint16(n))
	case n >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(b, codeInt32), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(b, codeInt64), uint64(n))
	}
}

func appendUint(b []byte, n uint64) []byte {
	switch {
	case n < 0x80:
		return append(b, byte(n))
	case n <= math.MaxUint8:
		return append(b, codeUint8, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, codeUint16), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, codeUint32), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(b, codeUint64), n)
	}
}

// intLen and uintLen are how many bytes appendInt and appendUint append.

func intLen(n int64) int {
	var room [9]byte
	return len(appendInt(room[:0], n))
}

func uintLen(n uint64) int {
	var room [9]byte
	return len(appendUint(room[:0], n))
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, codeTrue)
	}
	return append(b, codeFalse)
}

func appendFloat32(b []byte, f float32) []byte {
	return binary.BigEndian.AppendUint32(append(b, codeFloat32), math.Float32bits(f))
}

func appendFloat64(b []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, codeFloat64), math.Float64bits(f))
}

func appendStr(b []byte, s string) []byte { return append(appendStrLen(b, len(s)), s...) }

func appendStrLen(b []byte, n int) []byte {
	switch {
	case n < 32:
		return append(b, codeFixStr|byte(n))
	case n <= math.MaxUint8:
		return append(b, codeStr8, byte(n))
	default:
		return appendLen(b, n, codeStr16, codeStr32)
	}
}

func appendBinLen(b []byte, n int) []byte {
	if n <= math.MaxUint8 {
		return append(b, codeBin8, byte(n))
	}
	return appendLen(b, n, codeBin16, codeBin32)
}

func appendArrayLen(b []byte, n int) []byte {
	if n < 16 {
		return append(b, codeFixArray|byte(n))
	}
	return appendLen(b, n, codeArray16, codeArray32)
}

func appendMapLen(b []byte, n int) []byte {
	if n < 16 {
		return append(b, codeFixMap|byte(n))
	}
	return appendLen(b, n, codeMap16, codeMap32)
}

// appendLen appends a length in two bytes or in four. Nothing longer ever gets
// here: a session of 4 GiB does not fit any store.
func appendLen(b []byte, n int, code16, code32 byte) []byte {
	if n <= math.MaxUint16 {
		return binary.BigEndian.AppendUint16(append(b, code16), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(b, code32), uint32(n))
}

// shortest reports whether size bytes are the least that say h, the head of a
// string, bytes, array, map or timestamp.
func shortest(size int, h head) bool {
	switch {
	case h.kind == kindStr && h.n < 32 || (h.kind == kindArray || h.kind == kindMap) && h.n < 16:
		return size == 1
	case h.kind == kindExt:
		return size == 2 && h.n == 12 // the others have a form of their own
	case (h.kind == kindStr || h.kind == kindBin) && h.n <= math.MaxUint8:
		return size == 2
	case h.n <= math.MaxUint16:
		return size == 3
	default:
		return size == 5
	}
}

// appendTime appends t in the shortest of the three forms of the timestamp
// extension. It holds the instant, neither the location nor the monotonic clock.
func appendTime(b []byte, t time.Time) []byte {
	const ext = 0x100 + extTime
	secs, nanos := uint64(t.Unix()), uint64(t.Nanosecond())
	switch timeLen(secs, nanos) {
	case 4:
		return binary.BigEndian.AppendUint32(append(b, codeFixExt4, ext), uint32(secs))
	case 8:
		return binary.BigEndian.AppendUint64(append(b, codeFixExt8, ext), nanos<<34|secs)
	default:
		b = binary.BigEndian.AppendUint32(append(b, codeExt8, 12, ext), uint32(nanos))
		return binary.BigEndian.AppendUint64(b, secs)
	}
}

// timeLen is the length of a timestamp without its head.
func timeLen(secs, nanos uint64) int {
	switch {
	case secs>>34 != 0:
		return 12
	case nanos == 0 && secs>>32 == 0:
		return 4
	default:
		return 8
	}
}

// parseTime reads a timestamp without its head, and reports whether it has the
// shortest form.
func parseTime(b []byte) (t time.Time, exact bool, err error) {
	var secs, nanos uint64
	switch len(b) {
	case 4:
		secs = uint64(binary.BigEndian.Uint32(b))
	case 8:
		secs = binary.BigEndian.Uint64(b)
		secs, nanos = secs&(1<<34-1), secs>>34
	case 12:
		nanos, secs = uint64(binary.BigEndian.Uint32(b)), binary.BigEndian.Uint64(b[4:])
	default:
		return time.Time{}, false, fmt.Errorf("codec: msgpack: a timestamp has %d bytes", len(b))
	}
	if nanos >= 1e9 {
		return time.Time{}, false, fmt.Errorf("codec: msgpack: a timestamp has a second or more of nanoseconds")
	}
	return time.Unix(int64(secs), int64(nanos)).UTC(), len(b) == timeLen(secs, nanos), nil
}
