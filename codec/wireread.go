package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sesame-go/sesame/internal/misfit"
)

// kind is what a value is on the wire.
type kind byte

const (
	kindNil kind = iota
	kindBool
	kindInt  // negative
	kindUint // not negative
	kindFloat32
	kindFloat64
	kindStr
	kindBin
	kindArray
	kindMap
	kindExt
)

func (k kind) String() string {
	return [...]string{
		misfit.Nil, misfit.Bool, misfit.Integer, misfit.Integer, misfit.Float, misfit.Float,
		misfit.Text, misfit.Bytes, misfit.List, misfit.Map, misfit.Extension,
	}[k]
}

// head is the start of a value: all of a number, or the length of what follows.
type head struct {
	kind kind
	ext  int8   // kindExt: the type
	n    int    // bytes of a string, bytes or extension; elements of an array; entries of a map
	num  uint64 // the bits of a bool, number or float
}

func (h head) String() string {
	if h.kind == kindExt && h.ext == extTime {
		return misfit.Time
	}
	return h.kind.String()
}

// reader reads values from data. It trusts no length: head fails if data is too
// short for what it announces.
type reader struct {
	data    []byte
	text    string // data as a string, if there is one yet
	pos     int
	depth   int
	loose   bool // something was read that would be written otherwise
	unknown bool // a field was passed over
}

// loosen notes that what was read would be written in another form, unless exact is
// set.

func (r *reader) loosen(exact bool) { r.loose = r.loose || !exact }

var errBadCode = errors.New("codec: msgpack: the byte c1 begins no value")

// head reads the start of the next value.
func (r *reader) head() (head, error) {
	if r.pos >= len(r.data) {
		return head{}, r.short()
	}
	c := r.data[r.pos]
	r.pos++
	switch {
	case c < codeFixMap:
		return head{kind: kindUint, num: uint64(c)}, nil
	case c < codeFixArray:
		return r.fits(head{kind: kindMap, n: int(c & 0x0f)})
	case c < codeFixStr:
		return r.fits(head{kind: kindArray, n: int(c & 0x0f)})
	case c < codeNil:
		return r.fits(head{kind: kindStr, n: int(c & 0x1f)})
	case c >= codeNegFix:
		return head{kind: kindInt, num: uint64(int64(int8(c)))}, nil
	}
	switch c {
	case codeNil:
		return head{kind: kindNil}, nil
	case codeFalse, codeTrue:
		return head{kind: kindBool, num: uint64(c & 1)}, nil
	case codeFloat32:
		return r.number(kindFloat32, 4)
	case codeFloat64:
		return r.number(kindFloat64, 8)
	case codeUint8, codeUint16, codeUint32, codeUint64:
		return r.number(kindUint, 1<<(c-codeUint8))
	case codeInt8, codeInt16, codeInt32, codeInt64:
		return r.number(kindInt, 1<<(c-codeInt8))
	case codeStr8, codeStr16, codeStr32:
		return r.length(kindStr, 1<<(c-codeStr8))
	case codeBin8, codeBin16, codeBin32:
		return r.length(kindBin, 1<<(c-codeBin8))
	case codeArray16, codeArray32:
		return r.length(kindArray, 2<<(c-codeArray16))
	case codeMap16, codeMap32:
		return r.length(kindMap, 2<<(c-codeMap16))
	case codeExt8, codeExt16, codeExt32:
		return r.length(kindExt, 1<<(c-codeExt8))
	case codeFixExt1, codeFixExt1 + 1, codeFixExt4, codeFixExt8, codeFixExt16:
		return r.fits(head{kind: kindExt, n: 1 << (c - codeFixExt1)})
	}
	return head{}, errBadCode
}

// fixStr reads the head of a short string, which is what most values and most
// keys are, if there is one.
func (r *reader) fixStr() (n int, ok bool) {
	left := len(r.data) - r.pos
	if left <= 0 {
		return 0, false
	}
	n = int(r.data[r.pos]) - codeFixStr
	if uint(n) >= 32 || n >= left {
		return 0, false
	}
	r.pos++
	return n, true
}

// shortString reads a string if it is short.
func (r *reader) shortString() (s string, ok bool) {
	n, ok := r.fixStr()
	if ok {
		s = r.str(n)
	}
	return s, ok
}

// uint reads a big-endian number of size bytes.
func (r *reader) uint(size int) (uint64, error) {
	if len(r.data)-r.pos < size {
		return 0, r.short()
	}
	b := r.data[r.pos:]
	r.pos += size
	switch size {
	case 1:
		return uint64(b[0]), nil
	case 2:
		return uint64(binary.BigEndian.Uint16(b)), nil
	case 4:
		return uint64(binary.BigEndian.Uint32(b)), nil
	default:
		return binary.BigEndian.Uint64(b), nil
	}
}

func (r *reader) number(k kind, size int) (head, error) {
	n, err := r.uint(size)
	switch k {
	case kindUint:
		r.loosen(uintLen(n) == 1+size)
	case kindInt:
		shift := 64 - 8*size
		n = uint64(int64(n<<shift) >> shift) // extend the sign
		r.loosen(intLen(int64(n)) == 1+size && int64(n) < 0)
		if int64(n) >= 0 {
			k = kindUint
		}
	}
	return head{kind: k, num: n}, err
}

func (r *reader) length(k kind, size int) (head, error) {
	n, err := r.uint(size)
	if err != nil {
		return head{}, err
	}
	h := head{kind: k, n: int(n)}
	r.loosen(shortest(1+size, h))
	return r.fits(h)
}

// fits checks that as many bytes are left as the value must take at least: an
// element takes one, an entry of a map two. It also reads an extension's type.
func (r *reader) fits(h head) (head, error) {
	left := len(r.data) - r.pos
	switch h.kind {
	case kindMap:
		left /= 2
	case kindExt:
		if left--; left >= 0 {
			h.ext = int8(r.data[r.pos])
			r.pos++
		}
	}
	if uint(h.n) > uint(max(left, 0)) || left < 0 {
		return head{}, r.short()
	}
	return h, nil
}

func (r *reader) short() error {
	return fmt.Errorf("codec: msgpack: the value that begins before byte %d is longer than the data: %w", r.pos, io.ErrUnexpectedEOF)
}

// bytes reads the n bytes that a head announced, without copying.
func (r *reader) bytes(n int) []byte {
	b := r.data[r.pos : r.pos+n : r.pos+n]
	r.pos += n
	return b
}

// passes reports whether the data continues with b, and skips it if so.
func (r *reader) passes(b []byte) bool {
	if !bytes.HasPrefix(r.data[r.pos:], b) {
		return false
	}
	r.pos += len(b)
	return true
}

// str reads a string of n bytes, which is part of text.
func (r *reader) str(n int) string {
	if n == 0 {
		return ""
	}
	r.pos += n
	return r.text[r.pos-n : r.pos]
}

// enter and leave enclose the elements of a container.
func (r *reader) enter() error {
	if r.depth++; r.depth > maxDepth {
		return errTooDeep
	}
	return nil
}

func (r *reader) leave() { r.depth-- }

// skip skips a value and checks it.
func (r *reader) skip() error {
	if r.pos < len(r.data) && oneByte(r.data[r.pos]) {
		r.pos++
		return nil
	}
	h, err := r.head()
	if err != nil {
		return err
	}
	switch h.kind {
	case kindStr, kindBin, kindExt:
		r.pos += h.n
		return nil
	case kindArray, kindMap:
		n := h.n
		if h.kind == kindMap {
			n *= 2
		}
		if err := r.enter(); err != nil {
			return err
		}
		for range n {
			if err := r.skip(); err != nil {
				return err
			}
		}
		r.leave()
	}
	return nil
}

// skipEntry is skip for a key and its value.
func (r *reader) skipEntry() error {
	if err := r.skip(); err != nil {
		return err
	}
	return r.skip()
}

// oneByte reports whether c is a value of its own: a small integer, a bool, nil.
func oneByte(c byte) bool {
	return c < codeFixMap || c >= codeNegFix || c == codeNil || c == codeFalse || c == codeTrue
}

// time reads a timestamp of n bytes.
func (r *reader) time(n int) (time.Time, error) {
	t, exact, err := parseTime(r.bytes(n))
	r.loosen(exact)
	return t, err
}
