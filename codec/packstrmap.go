package codec

import (
	"slices"
	"strings"
	"unsafe"

	"github.com/sesame-go/sesame/internal/misfit"
)

// stringMap is a map of strings to what is in memory a V.
type stringMap[V any] packMap

type stringEntry[V any] struct {
	key  string
	elem V
}

type stringScratch[V any] struct {
	entries []stringEntry[V]
	order   []uint64
	follower[string, V]
}

// fewKeys is how many keys a small map has at most. They are often in order, see
// sortFew, so that a guide would not help.
const fewKeys = 8

func (mt *stringMap[V]) pack(e *packer, p unsafe.Pointer) error {
	m := *(*map[string]V)(p)
	if m == nil {
		e.buf = append(e.buf, codeNil)
		return nil
	}
	if len(m) > fewKeys {
		return mt.packMany(e, m)
	}
	at, keys := 0, 0
	if len(e.like) > 0 && mt.elem.guided {
		at, keys = e.keysAhead()
	}
	if err := (*packMap)(mt).begin(e, len(m)); err != nil {
		return err
	}
	scratch := mt.scratch.Get().(*stringScratch[V])
	entries := scratch.entries
	for k, v := range m {
		entries = append(entries, stringEntry[V]{k, v})
	}
	first := sortFew(entries)
	for i := range entries {
		if i += first; i >= len(entries) {
			i -= len(entries)
		}
		entry, start := &entries[i], len(e.buf)
		e.str(entry.key)
		if keys > 0 {
			at = e.seek(start, at, keys)
		}
		if err := mt.elem.pack(e, unsafe.Pointer(&entry.elem)); err != nil {
			return err
		}
	}
	e.leave()
	mt.put(scratch, entries)
	return nil
}

// packMany is pack for large maps, with a guide or without.
func (mt *stringMap[V]) packMany(e *packer, m map[string]V) error {
	scratch, n := mt.scratch.Get().(*stringScratch[V]), 0
	if len(e.like) > 0 {
		scratch.ahead, n = e.ahead(kindMap)
	}
	if err := (*packMap)(mt).begin(e, len(m)); err != nil {
		return err
	}
	if n > 0 {
		follow(&scratch.follower, e, m, n, &stringKeys)
		if err := scratch.pack(e, mt.key, mt.elem); err != nil {
			return err
		}
		e.leave()
		mt.scratch.Put(scratch)
		return nil
	}
	entries := slices.Grow(scratch.entries, len(m))
	for k, v := range m {
		entries = append(entries, stringEntry[V]{k, v})
	}
	scratch.order = sortMany(scratch.order[:0], entries)
	for _, i := range scratch.order {
		entry := &entries[i]
		e.str(entry.key)
		if err := mt.elem.pack(e, unsafe.Pointer(&entry.elem)); err != nil {
			return err
		}
	}
	e.leave()
	mt.put(scratch, entries)
	return nil
}

// sortFew puts entries in order and returns where they begin: they go on from there
// and around. Go walks a small map in the order in which it was filled, from a
// random entry on. If it was filled in order, as decoding does, the entries need
// not be moved.
func sortFew[V any](entries []stringEntry[V]) (first int) {
	descents := 0
	for i := 1; i < len(entries); i++ {
		if entries[i].key < entries[i-1].key {
			first, descents = i, descents+1
		}
	}
	if descents == 0 || descents == 1 && entries[len(entries)-1].key < entries[0].key {
		return first
	}
	slices.SortFunc(entries, func(a, b stringEntry[V]) int { return strings.Compare(a.key, b.key) })
	return 0
}

func (mt *stringMap[V]) unpack(d *unpacker, p unsafe.Pointer) error {
	n, err := (*packMap)(mt).head(d, p)
	if err != nil || n < 0 {
		return err
	}
	m := make(map[string]V, n)
	*(*map[string]V)(p) = m
	scratch := mt.scratch.Get().(*stringScratch[V])
	scratch.entries = append(scratch.entries, stringEntry[V]{})
	entry := &scratch.entries[0]
	for i := range n {
		last := entry.key
		*entry = stringEntry[V]{}
		if err := unpackString(d, unsafe.Pointer(&entry.key)); err != nil {
			return mt.key.failedAt(err, misfit.Key)
		}
		d.loosen(i == 0 || last < entry.key)
		if err := mt.elem.unpack(d, unsafe.Pointer(&entry.elem)); err != nil {
			return mt.elem.failedAt(err, misfit.Entry)
		}
		m[entry.key] = entry.elem
	}
	d.leave()
	mt.put(scratch, scratch.entries)
	return nil
}

// put clears scratch and returns it to the pool.
func (mt *stringMap[V]) put(scratch *stringScratch[V], entries []stringEntry[V]) {
	if cap(entries) > keptEntries {
		return
	}
	clear(entries)
	scratch.entries, scratch.order = entries[:0], scratch.order[:0]
	mt.scratch.Put(scratch)
}

// keptEntries is how much room for entries is kept in the pool.
const keptEntries = 1024
