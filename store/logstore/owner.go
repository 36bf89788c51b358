package logstore

import (
	"bytes"
	"slices"
	"strings"

	"github.com/sesame-go/sesame/store"
)

// An owner has one record at least. Its name is immutable; records share it.
// An owner's sessions are few, so that a sorted slice holds them well.
type owner struct {
	name string
	keys []store.Key
}

// assign takes the record under k from one owner, nil for nobody, and gives it
// to the one of that name, "" for nobody, whom it returns.
func (x *index) assign(k store.Key, from *owner, name string) *owner {
	if from != nil && from.name == name {
		return from
	}
	if from != nil {
		n, _ := slices.BinarySearchFunc(from.keys, k, compareKeys)
		from.keys = slices.Delete(from.keys, n, n+1)
		if len(from.keys) == 0 {
			delete(x.owners, from.name)
		}
	}
	if name == "" {
		return nil
	}
	o := x.owners[name]
	if o == nil {
		o = &owner{name: strings.Clone(name)}
		x.owners[o.name] = o
	}
	n, _ := slices.BinarySearchFunc(o.keys, k, compareKeys)
	o.keys = slices.Insert(o.keys, n, k)
	return o
}

// ownedPage appends up to limit keys of the named owner, in their order,
// beginning after the given one, or with the first if that is nil.
func (x *index) ownedPage(keys []store.Key, name string, after *store.Key, limit int) []store.Key {
	o := x.owners[name]
	if o == nil {
		return keys
	}
	n := 0
	if after != nil {
		var found bool
		if n, found = slices.BinarySearchFunc(o.keys, *after, compareKeys); found {
			n++
		}
	}
	return append(keys, o.keys[n:min(n+limit, len(o.keys))]...)
}

func compareKeys(a, b store.Key) int { return bytes.Compare(a[:], b[:]) }
