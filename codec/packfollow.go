package codec

import (
	"cmp"
	"slices"
	"strings"
	"unsafe"
)

// follower puts the entries of a map in order, with the help of a guide.
type follower[K comparable, V any] struct {
	ahead   reader // of the guide
	entries []followed[K, V]
}

type followed[K comparable, V any] struct {
	key  K
	elem V
	at   int // where the guide has elem, negative if it has not
}

// keyKind says how keys are read from a guide and compared.
type keyKind[K any] struct {
	read    func(*reader) (key K, ok bool) // from a guide
	compare func(a, b K) int               // in the order in which they are written
}

var (
	stringKeys   = keyKind[string]{(*reader).stringKey, strings.Compare}
	unsignedKeys = keyKind[uint64]{(*reader).intKey, cmp.Compare[uint64]}
	signedKeys   = keyKind[uint64]{(*reader).intKey, compareSigned}
)

// follow collects the entries of m, in order: those whose keys are among the n
// keys of the guide that are ahead, and then the others, sorted in.
func follow[K comparable, V any](f *follower[K, V], e *packer, m map[K]V, n int, k *keyKind[K]) {
	r := &f.ahead
	f.entries = slices.Grow(f.entries, len(m))
	for n = min(n, 2*len(m)); n > 0 && len(f.entries) < len(m); n-- {
		start := r.pos
		key, ok := k.read(r)
		if !ok {
			break
		}
		if elem, ok := m[key]; ok {
			if last := len(f.entries) - 1; last >= 0 && k.compare(f.entries[last].key, key) >= 0 {
				break
			}
			f.entries = append(f.entries, followed[K, V]{key, elem, r.pos})
		}
		err := r.skip()
		if !e.spend(r.pos-start) || err != nil {
			break
		}
	}
	known := f.entries
	if len(known) == len(m) {
		return
	}
	for key, elem := range m {
		if _, found := slices.BinarySearchFunc(known, key, func(e followed[K, V], key K) int { return k.compare(e.key, key) }); !found {
			f.entries = append(f.entries, followed[K, V]{key, elem, -1})
		}
	}
	slices.SortFunc(f.entries, func(a, b followed[K, V]) int { return k.compare(a.key, b.key) })
}

// pack writes the entries, and forgets them.
func (f *follower[K, V]) pack(e *packer, key, elem *packType) error {
	for i := range f.entries {
		entry := &f.entries[i]
		if err := key.pack(e, unsafe.Pointer(&entry.key)); err != nil {
			return err
		}
		e.expect(entry.at)
		if err := elem.pack(e, unsafe.Pointer(&entry.elem)); err != nil {
			return err
		}
	}
	f.forget()
	return nil
}

// forget drops all references to the session's data, and large buffers.
func (f *follower[K, V]) forget() {
	if cap(f.entries) > keptEntries {
		f.entries = nil
	}
	clear(f.entries)
	f.entries, f.ahead = f.entries[:0], reader{}
}

func (r *reader) stringKey() (key string, ok bool) {
	if key, ok = r.shortString(); ok {
		return key, true
	}
	h, err := r.head()
	if err != nil || h.kind != kindStr {
		return "", false
	}
	return r.str(h.n), true
}

func (r *reader) intKey() (key uint64, ok bool) {
	h, err := r.head()
	return h.num, err == nil && (h.kind == kindInt || h.kind == kindUint)
}
