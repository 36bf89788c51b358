package codec

import (
	"slices"
	"strings"
	"unsafe"
)

// stringMap is a map of strings to what is in memory a V.
type stringMap[V any] packMap

type stringEntry[V any] struct {
	key  string
	elem V
}

type stringScratch[V any] struct {
	entries []stringEntry[V]
	follower[string, V]
}

// fewKeys is up to how many keys are sorted even with a guide: they are often
// in order, see sortEntries.
const fewKeys = 8

func (mt *stringMap[V]) pack(e *packer, p unsafe.Pointer) error {
	m := *(*map[string]V)(p)
	if m == nil {
		e.buf = append(e.buf, codeNil)
		return nil
	}
	at, keys := 0, 0
	switch {
	case len(e.like) == 0:
	case len(m) > fewKeys:
		if r, n := e.ahead(kindMap); n > 0 {
			return mt.packGuided(e, m, r, n)
		}
	case mt.elem.guided:
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
	first := sortEntries(entries)
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

// packGuided is pack with a guide that has a map of n keys, which r reads.
func (mt *stringMap[V]) packGuided(e *packer, m map[string]V, r reader, n int) error {
	if err := (*packMap)(mt).begin(e, len(m)); err != nil {
		return err
	}
	scratch := mt.scratch.Get().(*stringScratch[V])
	scratch.ahead = r
	follow(&scratch.follower, e, m, n, &stringKeys)
	if err := scratch.pack(e, mt.key, mt.elem); err != nil {
		return err
	}
	e.leave()
	mt.scratch.Put(scratch)
	return nil
}

// sortEntries puts entries in order, beginning with the one that it returns and
// going round. Go walks a small map as it was filled, from a random entry on: if
// that was in order, as decoding does it, the entries are in order but for where
// they begin, and need not be moved.
func sortEntries[V any](entries []stringEntry[V]) (first int) {
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
	entries := append(scratch.entries, stringEntry[V]{})
	entry := &entries[0]
	for i := range n {
		last := entry.key
		*entry = stringEntry[V]{}
		if err := unpackString(d, unsafe.Pointer(&entry.key)); err != nil {
			return err
		}
		d.loosen(i == 0 || last < entry.key)
		if err := mt.elem.unpack(d, unsafe.Pointer(&entry.elem)); err != nil {
			return err
		}
		m[entry.key] = entry.elem
	}
	d.leave()
	mt.put(scratch, entries)
	return nil
}

// put keeps the room for the next map, and nothing of what was in it.
func (mt *stringMap[V]) put(scratch *stringScratch[V], entries []stringEntry[V]) {
	if cap(entries) > keptEntries {
		return
	}
	clear(entries)
	scratch.entries = entries[:0]
	mt.scratch.Put(scratch)
}

// keptEntries is for how many entries room is kept.
const keptEntries = 1024
