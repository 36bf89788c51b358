package storetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sesame-go/sesame/store"
)

// A crowded store has little room.
type crowded struct {
	*altered
	room  int
	cost  func(r store.Record) int
	first func(all []resident) resident // the record to drop next

	born    map[store.Key]int // the step in which a record was created or last renewed
	steps   int
	renewed func(old, r store.Record) bool // reports whether a Save makes the record young
	needs   func(old, r store.Record) int  // returns the room that a Save needs
}

// A resident is a record in a crowded store.
type resident struct {
	store.Entry
	born   int
	others int // how many live records its owner has
}

// one bounds the number of records, size the bytes of data.
func one(store.Record) int    { return 1 }
func size(r store.Record) int { return len(r.Data) }

// newBounded returns a correct store with little room.
func newBounded(room int, cost func(store.Record) int) *crowded {
	c := &crowded{altered: alter(func(*altered) {})().(*altered), room: room, cost: cost, first: firstToGo, born: make(map[store.Key]int)}
	c.renewed = func(old, r store.Record) bool { return old.Version == 0 || r.Durable }
	c.needs = func(old, r store.Record) int {
		if old.Version == 0 {
			return cost(r)
		}
		return cost(r) - cost(old)
	}
	c.save = func(ctx context.Context, k store.Key, r store.Record) (v uint64, err error) {
		err = c.call(ctx, func() error {
			old := c.live(k)
			if len(r.Owner) > store.MaxOwner {
				return errors.New("the owner is too long")
			}
			if old.Version != r.Version {
				return store.ErrConflict
			}
			if cost(r) > room {
				return store.ErrFull
			}
			c.makeRoom(k, c.needs(old, r))
			c.version++
			r.Version, v = c.version, c.version
			durable := r.Durable
			if c.renewed(old, r) {
				c.steps++
				c.born[k] = c.steps
			}
			c.put(k, r)
			if durable {
				c.tell(k)
			}
			return nil
		})
		return v, err
	}
	return c
}

// makeRoom drops records other than k.
func (c *crowded) makeRoom(k store.Key, need int) {
	for need > 0 && c.used()+need > c.room {
		all := c.residents(func(other store.Key) bool { return other != k })
		if len(all) == 0 {
			return
		}
		c.remove(c.first(all).Key)
	}
}

func (c *crowded) used() int {
	n := 0
	for _, r := range c.records {
		n += c.cost(r)
	}
	return n
}

func (c *crowded) residents(which func(store.Key) bool) []resident {
	owners := make(map[string]int)
	for _, r := range c.records {
		owners[r.Owner]++
	}
	var all []resident
	for k, r := range c.records {
		if which(k) {
			all = append(all, resident{store.Entry{Key: k, Record: r}, c.born[k], owners[r.Owner]})
		}
	}
	return all
}

// firstToGo returns the right record to drop.
func firstToGo(all []resident) resident { return slices.MinFunc(all, inOrderToGo) }

func inOrderToGo(a, b resident) int {
	return cmp.Or(byExpired(a, b), byOwnerless(a, b), byMost(a, b), cmp.Compare(a.born, b.born))
}

func byExpired(a, b resident) int {
	switch now := time.Now(); {
	case a.Expires.Before(now) || b.Expires.Before(now):
		return a.Expires.Compare(b.Expires)
	default:
		return 0
	}
}

func byOwnerless(a, b resident) int {
	switch {
	case a.Owner == "" && b.Owner == "":
		return a.Expires.Compare(b.Expires)
	case a.Owner == "":
		return -1
	case b.Owner == "":
		return 1
	default:
		return 0
	}
}

func byMost(a, b resident) int {
	return cmp.Or(cmp.Compare(b.others, a.others), cmp.Compare(a.Owner, b.Owner))
}

// crowd returns a maker of stores with little room, in which f causes a fault.
func crowd(cost func(store.Record) int, f func(c *crowded)) func() store.Store {
	return func() store.Store {
		c := newBounded(boundedRoom*cost(bounded("")(0)), cost)
		f(c)
		return c
	}
}

// goes returns a maker of stores that drop the wrong records.
func goes(order func(a, b resident) int) func() store.Store {
	return crowd(one, func(c *crowded) {
		c.first = func(all []resident) resident { return slices.MinFunc(all, order) }
	})
}

// boundAnimals are stores with little room that make room in a wrong way.
var boundAnimals = []animal{
	{"a full store is full", crowd(one, func(c *crowded) {
		save := c.save
		c.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			if n, _ := c.Count(ctx); n >= c.room && r.Version == 0 {
				return 0, store.ErrFull
			}
			return save(ctx, k, r)
		}
	}), []string{"bounded-account", "bounded-gone"}},
	{"has no bound", crowd(one, func(c *crowded) { c.room = 1 << 30 }), []string{"bounded-account"}},
	{"has too little room", crowd(one, func(c *crowded) { c.room = 90 }), []string{"bounded-account"}},
	{"one owner may have ten", crowd(one, func(c *crowded) {
		save := c.save
		c.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			n := 0
			for range c.client.Owned(ctx, r.Owner) {
				n++
			}
			if n >= 10 && r.Version == 0 {
				return 0, store.ErrFull
			}
			return save(ctx, k, r)
		}
	}), []string{"bounded-account"}},
	{"the oldest of all goes", goes(func(a, b resident) int { return cmp.Compare(a.born, b.born) }),
		[]string{"bounded-account", "bounded-visitors", "bounded-expired"}},
	{"any goes", crowd(one, func(c *crowded) {
		c.first = func(all []resident) resident { return all[rand.IntN(len(all))] }
	}), []string{"bounded-account", "bounded-visitors", "bounded-expired", "bounded-oldest"}},
	{"the youngest goes", goes(func(a, b resident) int {
		return cmp.Or(byExpired(a, b), byOwnerless(a, b), byMost(a, b), cmp.Compare(b.born, a.born))
	}), []string{"bounded-account", "bounded-oldest"}},
	{"the nearest to expiry goes", goes(func(a, b resident) int { return a.Expires.Compare(b.Expires) }),
		[]string{"bounded-visitors", "bounded-account", "bounded-oldest"}},
	{"the owner's that is nearest to expiry goes", goes(func(a, b resident) int {
		return cmp.Or(byExpired(a, b), byOwnerless(a, b), byMost(a, b), a.Expires.Compare(b.Expires))
	}), []string{"bounded-oldest"}},
	{"the oldest without an owner goes", goes(func(a, b resident) int {
		if a.Owner == "" && b.Owner == "" {
			return cmp.Compare(a.born, b.born)
		}
		return inOrderToGo(a, b)
	}), []string{"bounded-visitors"}},
	{"no owner is an owner like others", goes(func(a, b resident) int {
		return cmp.Or(byExpired(a, b), byMost(a, b), cmp.Compare(a.born, b.born))
	}), []string{"bounded-visitors"}},
	{"what has expired stays", goes(func(a, b resident) int {
		return cmp.Or(byOwnerless(a, b), byMost(a, b), cmp.Compare(a.born, b.born))
	}), []string{"bounded-expired"}},
	{"the owner who had most is not forgotten", crowd(one, func(c *crowded) {
		had := make(map[string]int)
		first := c.first
		c.renewed = func(old, r store.Record) bool {
			if old.Version == 0 || old.Owner != r.Owner {
				had[r.Owner]++
			}
			return old.Version == 0 || r.Durable
		}
		c.first = func(all []resident) resident {
			for i := range all {
				all[i].others = had[all[i].Owner]
			}
			return first(all)
		}
	}), []string{"bounded-most"}},
	{"the owner's own go", crowd(one, func(c *crowded) {
		save := c.save
		c.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			first := firstToGo
			c.mu.Lock()
			c.first = func(all []resident) resident {
				own := slices.DeleteFunc(slices.Clone(all), func(e resident) bool { return e.Owner != r.Owner })
				if len(own) > 0 {
					return first(own)
				}
				return first(all)
			}
			c.mu.Unlock()
			return save(ctx, k, r)
		}
	}), []string{"bounded-account", "bounded-expired"}},
	{"a save makes young", crowd(one, func(c *crowded) {
		c.renewed = func(old, r store.Record) bool { return true }
	}), []string{"bounded-oldest"}},
	{"a renewal does not make young", crowd(one, func(c *crowded) {
		c.renewed = func(old, r store.Record) bool { return old.Version == 0 }
	}), []string{"bounded-oldest"}},
	{"a touch makes young", crowd(one, func(c *crowded) {
		c.touch = func(ctx context.Context, k store.Key, expires time.Time) error {
			err := c.client.Touch(ctx, k, expires)
			c.mu.Lock()
			defer c.mu.Unlock()
			c.steps++
			c.born[k] = c.steps
			return err
		}
	}), []string{"bounded-oldest"}},
	{"makes room for what is there", crowd(one, func(c *crowded) {
		c.needs = func(_, r store.Record) int { return c.cost(r) }
	}), []string{"bounded-save"}},
	{"makes room and then compares", crowd(one, func(c *crowded) {
		save := c.save
		c.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			c.mu.Lock()
			if c.live(k).Version == 0 {
				c.makeRoom(k, 1)
			}
			c.mu.Unlock()
			return save(ctx, k, r)
		}
	}), []string{"bounded-save"}},
	{"makes room and then looks at the owner", crowd(one, func(c *crowded) {
		save := c.save
		c.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			if len(r.Owner) > store.MaxOwner {
				c.mu.Lock()
				c.makeRoom(k, 1)
				c.mu.Unlock()
			}
			return save(ctx, k, r)
		}
	}), []string{"bounded-save"}},
	{"what grows is dropped", crowd(size, func(c *crowded) {
		save := c.save
		c.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			v, err := save(ctx, k, r)
			c.mu.Lock()
			defer c.mu.Unlock()
			if err == nil && size(r) > 2*boundedBytes {
				delete(c.records, k)
			}
			return v, err
		}
	}), []string{"bounded-save"}},
	{"drops all for what is too large", crowd(size, func(c *crowded) {
		save := c.save
		c.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			c.mu.Lock()
			c.makeRoom(k, size(r))
			c.mu.Unlock()
			return save(ctx, k, r)
		}
	}), []string{"bounded-large"}},
	{"calls what is too large an outage", crowd(size, func(c *crowded) {
		save := c.save
		c.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			v, err := save(ctx, k, r)
			if err == store.ErrFull {
				err = errors.New("too large")
			}
			return v, err
		}
	}), []string{"bounded-large"}},
	{"drops a quarter", crowd(one, func(c *crowded) {
		first := c.first
		c.first = func(all []resident) resident {
			slices.SortFunc(all, inOrderToGo)
			for _, e := range all[1 : len(all)/4] {
				c.remove(e.Key)
			}
			return first(all)
		}
	}), []string{"bounded-expired"}},
	{"drops in silence", crowd(one, func(c *crowded) {
		first := c.first
		c.first = func(all []resident) resident {
			e := first(all)
			delete(c.records, e.Key)
			return e
		}
	}), []string{"bounded-gone"}},
	{"versions begin again once dropped", crowd(one, func(c *crowded) {
		save := c.save
		c.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			c.mu.Lock()
			c.version = c.live(k).Version
			c.mu.Unlock()
			return save(ctx, k, r)
		}
	}), []string{"bounded-gone"}},
	{"what was dropped is found again", crowd(one, func(c *crowded) {
		c.load = func(ctx context.Context, k store.Key) (store.Record, error) {
			r, err := c.client.Load(ctx, k)
			c.mu.Lock()
			defer c.mu.Unlock()
			if past, ok := c.past[k]; ok && err == store.ErrNotFound && bytes.HasPrefix([]byte(past.Owner), []byte("bob")) {
				return past, nil
			}
			return r, err
		}
	}), []string{"bounded-most"}},
	{"the index keeps what was dropped", crowd(one, func(c *crowded) {
		c.owned = func(ctx context.Context, owner string) walkSeq {
			return func(yield func(store.Entry, error) bool) {
				c.mu.Lock()
				var all []store.Entry
				for k, r := range c.past {
					if r.Owner == owner && owner != "" {
						all = append(all, store.Entry{Key: k, Record: r})
					}
				}
				c.mu.Unlock()
				for _, e := range all {
					if !yield(e, nil) {
						return
					}
				}
			}
		}
	}), []string{"bounded-account"}},
	{"looks for room and then writes", crowd(one, func(c *crowded) {
		save := c.save
		c.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			if r.Version != 0 {
				return save(ctx, k, r)
			}
			c.mu.Lock()
			c.makeRoom(k, 1)
			c.mu.Unlock()
			pause()
			return c.client.Save(ctx, k, r)
		}
	}), []string{"bounded-race"}},
}
