package merge

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"reflect"
	"slices"
)

// settleItems merges slices as multisets. mine becomes their items, in their order,
// without those that I removed, followed by those that I added, in my order. Of equal
// items the first count as removed and the last as added.
func settleItems(base, mine, theirs reflect.Value) bool {
	if mine.Kind() != reflect.Slice {
		return false
	}
	removed, added := newTally(), newTally()
	for i := range mine.Len() {
		*added.count(mine.Index(i))++
	}
	for i := range base.Len() {
		if n := added.count(base.Index(i)); *n > 0 {
			*n--
		} else {
			*removed.count(base.Index(i))++
		}
	}
	var result []reflect.Value
	for i := range theirs.Len() {
		if n := removed.count(theirs.Index(i)); *n > 0 {
			*n--
		} else {
			result = append(result, theirs.Index(i))
		}
	}
	kept := len(result)
	for i := range mine.Len() {
		item := mine.Index(mine.Len() - 1 - i)
		if n := added.count(item); *n > 0 {
			*n--
			result = append(result, item)
		}
	}
	slices.Reverse(result[kept:])

	if len(result) == 0 && mine.IsNil() {
		return true
	}
	merged := reflect.MakeSlice(mine.Type(), len(result), len(result))
	for i, item := range result {
		merged.Index(i).Set(item)
	}
	mine.Set(merged)
	return true
}

// tally counts equal values.
type tally struct {
	seed    maphash.Seed
	buckets map[uint64][]counted
}

type counted struct {
	value reflect.Value
	n     *int
}

func newTally() *tally { return &tally{maphash.MakeSeed(), map[uint64][]counted{}} }

// count returns where the values equal to v are counted.
func (t *tally) count(v reflect.Value) *int {
	var h maphash.Hash
	h.SetSeed(t.seed)
	hash(&h, v, 0)
	bucket := t.buckets[h.Sum64()]
	for _, c := range bucket {
		if equal(c.value, v) {
			return c.n
		}
	}
	n := new(int)
	t.buckets[h.Sum64()] = append(bucket, counted{v, n})
	return n
}

// hash hashes v so that equal values have equal hashes. Unequal ones may have equal
// hashes too, since it does not follow references far.
func hash(h *maphash.Hash, v reflect.Value, depth int) {
	var number uint64
	switch v.Kind() {
	case reflect.String:
		h.WriteString(v.String())
		number = uint64(v.Len())
	case reflect.Bool:
		if v.Bool() {
			number = 1
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		number = uint64(v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		number = v.Uint()
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); f == f { // all NaN are equal
			number = math.Float64bits(f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			hash(h, v.Field(i), depth)
		}
	case reflect.Array, reflect.Slice:
		for i := range v.Len() {
			if depth < 4 {
				hash(h, v.Index(i), depth+1)
			}
		}
		number = uint64(v.Len())
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() && depth < 4 {
			hash(h, v.Elem(), depth+1)
		}
	case reflect.Map:
		number = uint64(v.Len())
	}
	h.Write(binary.LittleEndian.AppendUint64(nil, number))
}
