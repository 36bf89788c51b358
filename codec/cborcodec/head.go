package cborcodec

import (
	"errors"
	"math"
)

// The major types of CBOR.
const (
	majorUint = iota
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
	majorSimple
)

// Simple values, by their number.
const (
	simpleFalse = 20
	simpleTrue  = 21
	simpleNull  = 22
)

// head is what every item begins with.
type head struct {
	major byte
	width byte   // of arg in bytes, 0 if it is part of the first byte
	arg   uint64 // a number, a length, a tag, or the bits of a float
}

var (
	errTruncated     = errors.New("cborcodec: invalid or incomplete CBOR")
	errIndefLength   = errors.New("cborcodec: an item of indefinite length")
	errNotShortest   = errors.New("cborcodec: a number or length is not as short as it can be")
	errTooMany       = errors.New("cborcodec: an array or a map has too many entries")
	errSimpleUnknown = errors.New("cborcodec: a simple value other than true, false and null")
)

// head reads the head of an item, and makes sure that the data is as long as it
// says.
func (s *scanner) head() (h head, err error) {
	if s.pos == len(s.data) {
		return h, errTruncated
	}
	first := s.data[s.pos]
	s.pos++
	h.major = first >> 5
	switch info := first & 31; {
	case info < 24:
		h.arg = uint64(info)
	case info > 27:
		if info == 31 {
			return h, errIndefLength
		}
		return h, errTruncated
	default:
		h.width = 1 << (info - 24)
		if len(s.data)-s.pos < int(h.width) {
			return h, errTruncated
		}
		for _, b := range s.data[s.pos : s.pos+int(h.width)] {
			h.arg = h.arg<<8 | uint64(b)
		}
		s.pos += int(h.width)
	}
	return h, s.checkLength(h)
}

// checkLength bounds what a head announces by what is there.
func (s *scanner) checkLength(h head) error {
	left := uint64(len(s.data) - s.pos)
	switch h.major {
	case majorBytes, majorText:
		if h.arg > left {
			return errTruncated
		}
	case majorArray:
		if h.arg > left {
			return errTruncated
		}
		if h.arg > maxEntries {
			return errTooMany
		}
	case majorMap:
		if h.arg > left/2 {
			return errTruncated
		}
		if h.arg > maxEntries {
			return errTooMany
		}
	}
	return nil
}

// shortest reports whether no shorter head could have said the same.
func (h head) shortest() bool {
	switch {
	case h.major == majorSimple && h.width == 4:
		f := math.Float32frombits(uint32(h.arg))
		return f == f && !fitsHalf(f)
	case h.major == majorSimple && h.width == 8:
		f := math.Float64frombits(h.arg)
		return f == f && float64(float32(f)) != f
	case h.major == majorSimple && h.width == 2:
		const nan = 0x7e00
		return h.arg&0x7c00 != 0x7c00 || h.arg&0x3ff == 0 || h.arg == nan
	}
	switch h.width {
	case 0:
		return true
	case 1:
		return h.arg >= 24
	default:
		return h.arg>>(4*h.width) != 0
	}
}

// fitsHalf reports whether f, not a NaN, is as exact with 16 bits.
func fitsHalf(f float32) bool {
	bits := math.Float32bits(f)
	exp, frac := int(bits>>23&0xff)-127, bits&(1<<23-1)
	switch {
	case exp == 128: // infinite
		return true
	case exp > 15:
		return false
	case exp >= -14:
		return frac&(1<<13-1) == 0
	case exp >= -24: // subnormal with 16 bits: the leading one moves into the fraction
		shift := 13 + (-14 - exp)
		return frac&(1<<shift-1) == 0
	default:
		return bits<<1 == 0
	}
}

// float is the value of a float's head.
func (h head) float() float64 {
	switch h.width {
	case 4:
		return float64(math.Float32frombits(uint32(h.arg)))
	case 8:
		return math.Float64frombits(h.arg)
	default:
		return 0 // which, with 16 bits, fits everywhere
	}
}
