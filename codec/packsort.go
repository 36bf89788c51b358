package codec

import (
	"math/bits"
	"slices"
	"strings"
)

// sortMany appends the indexes of entries to order, which is empty, in the order
// of their keys. Because strings are slow to compare and entries slow to move, it
// sorts numbers instead: the bytes in which the keys first differ, with the index
// in the lowest bits.
func sortMany[V any](order []uint64, entries []stringEntry[V]) []uint64 {
	index := uint64(1)<<bits.Len(uint(len(entries))) - 1
	common := len(entries[0].key)
	for i := range entries {
		common = commonPrefix(entries[0].key, entries[i].key, common)
	}
	order = slices.Grow(order, len(entries))
	for i := range entries {
		order = append(order, prefix(entries[i].key, common)&^index|uint64(i))
	}
	slices.Sort(order)
	for i := 0; i < len(order); {
		same := i + 1
		for same < len(order) && (order[same]^order[i])&^index == 0 {
			same++
		}
		if same > i+1 {
			slices.SortFunc(order[i:same], func(a, b uint64) int { return strings.Compare(entries[a&index].key, entries[b&index].key) })
		}
		i = same
	}
	for i := range order {
		order[i] &= index
	}
	return order
}

// commonPrefix returns the length, at most n, of the prefix that a and b share.
func commonPrefix(a, b string, n int) int {
	n = min(n, len(b))
	if a[:n] == b[:n] {
		return n
	}
	i := 0
	for a[i] == b[i] {
		i++
	}
	return i
}

// prefix returns the eight bytes of s after the first n, as a number. Zeros stand
// for those that s lacks.
func prefix(s string, n int) (bits uint64) {
	if len(s) < 8 {
		for i := n; i < len(s); i++ {
			bits |= uint64(s[i]) << (56 - 8*(i-n))
		}
		return bits
	}
	at := min(n, len(s)-8)
	b := s[at : at+8]
	bits = uint64(b[7]) | uint64(b[6])<<8 | uint64(b[5])<<16 | uint64(b[4])<<24 |
		uint64(b[3])<<32 | uint64(b[2])<<40 | uint64(b[1])<<48 | uint64(b[0])<<56
	return bits << (8 * (n - at))
}
