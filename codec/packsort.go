package codec

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
)

// sortMany appends the indexes of entries to order, which is empty, in the order
// of their keys. Strings are slow to compare, and entries to move; so what is
// sorted are numbers: the bytes in which the keys first differ, with the index in
// the lowest bits.
func sortMany[V any](order []uint64, entries []stringEntry[V]) []uint64 {
	index := uint64(1)<<bits.Len(uint(len(entries))) - 1
	common := len(entries[0].key)
	for i := range entries {
		common = commonPrefix(entries[0].key, entries[i].key, common)
	}
	for i := range entries {
		order = append(order, prefix(entries[i].key[common:])&^index|uint64(i))
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

// commonPrefix returns how many of the first n bytes a and b have in common.
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

// prefix is the first eight bytes of s, as a number.
func prefix(s string) uint64 {
	var room [8]byte
	copy(room[:], s)
	return binary.BigEndian.Uint64(room[:])
}
