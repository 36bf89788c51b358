package memstore

import (
	"bytes"
	"context"
	"hash/maphash"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/sesame-go/sesame/store"
)

// An ownerIndex finds the keys of an owner's records. It is changed with the
// record's shard locked, so that it is in step with the records whenever that
// is free. Its own locks come last.
type ownerIndex struct {
	seed   maphash.Seed
	shards [shardCount]ownerShard
}

type ownerShard struct {
	mu     sync.Mutex
	owners map[string]*owner
}

// An owner has one record at least. Its name is immutable; records share it.
// An owner's sessions are few, so that a sorted slice holds them well.
type owner struct {
	name string
	keys []store.Key
}

func (x *ownerIndex) init() {
	x.seed = maphash.MakeSeed()
	for i := range x.shards {
		x.shards[i].owners = make(map[string]*owner)
	}
}

func (x *ownerIndex) shard(name string) *ownerShard {
	return &x.shards[maphash.String(x.seed, name)%shardCount]
}

// assign takes the record under k from one owner, nil for nobody, and gives it
// to the one of that name, "" for nobody, whom it returns.
func (x *ownerIndex) assign(k store.Key, from *owner, name string) *owner {
	if from != nil && from.name == name {
		return from
	}
	if from != nil {
		x.remove(k, from)
	}
	if name == "" {
		return nil
	}
	return x.add(k, name)
}

func (x *ownerIndex) add(k store.Key, name string) *owner {
	sh := x.shard(name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	o := sh.owners[name]
	if o == nil {
		o = &owner{name: strings.Clone(name)}
		sh.owners[o.name] = o
	}
	n, _ := slices.BinarySearchFunc(o.keys, k, compareKeys)
	o.keys = slices.Insert(o.keys, n, k)
	return o
}

func (x *ownerIndex) remove(k store.Key, o *owner) {
	sh := x.shard(o.name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	n, _ := slices.BinarySearchFunc(o.keys, k, compareKeys)
	o.keys = slices.Delete(o.keys, n, n+1)
	if len(o.keys) == 0 {
		delete(sh.owners, o.name)
	}
}

// page appends up to limit keys of the named owner, in their order, beginning
// after the given one, or with the first if that is nil.
func (x *ownerIndex) page(keys []store.Key, name string, after *store.Key, limit int) []store.Key {
	sh := x.shard(name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	o := sh.owners[name]
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

// Owned implements [store.OwnerIndex].
func (s *Store) Owned(ctx context.Context, owner string) iter.Seq2[store.Key, error] {
	return func(yield func(store.Key, error) bool) {
		var last store.Key
		var after *store.Key
		page := make([]store.Key, 0, 8)
		for {
			if err := ctx.Err(); err != nil {
				yield(store.Key{}, err)
				return
			}
			page = s.owners.page(page[:0], owner, after, pageSize)
			for _, k := range page {
				if !yield(k, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			last = page[len(page)-1]
			after = &last
		}
	}
}

// DeleteOwned implements [store.OwnerIndex]. It takes effect at one instant:
// the shards of all of owner's sessions are locked together meanwhile.
// Sessions that had expired are removed, but not counted.
func (s *Store) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	keys, locked := s.lockOwned(owner)
	defer s.unlock(locked)
	now, live := clock(), 0
	for _, k := range keys {
		if slices.Contains(keep, k) {
			continue
		}
		sh := s.shard(k)
		i := sh.find(k)
		if sh.slots[i].expires > now {
			live++
		}
		s.drop(sh, i)
	}
	return live, nil
}

// lockOwned locks all shards in which owner has records and returns the keys
// of these. A record that comes into another shard before all are locked makes
// it begin anew, with that shard too; so it ends after few rounds, and at the
// latest when all shards are locked.
func (s *Store) lockOwned(owner string) ([]store.Key, shardSet) {
	var keys []store.Key
	var locked shardSet
	for {
		keys = s.owners.page(keys[:0], owner, nil, int(s.max))
		var needed shardSet
		for _, k := range keys {
			needed |= setOf(k)
		}
		if needed&^locked == 0 {
			return keys, locked
		}
		s.unlock(locked)
		locked |= needed
		s.lock(locked)
	}
}
