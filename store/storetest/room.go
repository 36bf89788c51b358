package storetest

import (
	"slices"
	"time"

	"github.com/sesame-go/sesame/store"
)

// bounded returns a maker of records for stores with little room.
func bounded(owner string) func(int) store.Record {
	return func(i int) store.Record {
		return store.Record{Expires: in(40 * time.Hour), Owner: owner, Data: pattern(boundedBytes, i)}
	}
}

// inOrder creates n records, one after the other.
func (x *trial) inOrder(n int, r func(i int) store.Record) []store.Entry {
	x.Helper()
	made := make([]store.Entry, n)
	for i := range made {
		e := store.Entry{Key: x.key(), Record: r(i)}
		e.Version = x.create(e.Key, e.Record)
		made[i] = e
	}
	return made
}

func keysIn(entries []store.Entry) []store.Key {
	keys := make([]store.Key, len(entries))
	for i, e := range entries {
		keys[i] = e.Key
	}
	return keys
}

// room returns for how many records the store has room, and leaves it empty.
func (x *trial) room() int {
	x.Helper()
	var made []store.Key
	defer func() {
		for _, k := range made {
			x.delete(k)
		}
	}()
	for {
		k := x.key()
		r := bounded("")(0)
		r.Expires = in(time.Hour + time.Duration(len(made))*time.Minute)
		x.create(k, r)
		made = append(made, k)
		if _, ok := x.exists(made[0]); !ok {
			break
		}
		if len(made) > 2*boundedRoom {
			x.fatalf("the store keeps %d records, and was to have room for %d to %d", len(made), boundedRoom, 2*boundedRoom)
		}
	}
	n := len(made) - 1
	if n < boundedRoom {
		x.fatalf("the store has dropped a record when it had %d, and was to have room for %d", n, boundedRoom)
	}
	return n
}

// kept expects all of the records to be there.
func (x *trial) kept(whose string, made []store.Entry) {
	x.Helper()
	for _, e := range made {
		if r, ok := x.exists(e.Key); !ok {
			x.fatalf("a record was dropped that is %s", whose)
		} else {
			x.same(r, e.Record)
		}
	}
}

// droppedFirst expects that of the records, which are in the order in which they
// have to go, the first have gone, as many as there are too many.
func (x *trial) droppedFirst(which string, inOrder []store.Entry, all, room int) {
	x.Helper()
	gone := 0
	for i, e := range inOrder {
		if _, ok := x.exists(e.Key); ok {
			continue
		}
		if i != gone {
			x.fatalf("a record was dropped that was to go as number %d of %d, and number %d is still there: those that make room are %s", i+1, len(inOrder), gone+1, which)
		}
		gone++
	}
	if gone < all-room {
		x.fatalf("%d of %d records were dropped, want %d, since there is room for %d: those that make room are %s", gone, len(inOrder), all-room, room, which)
	}
}

// agreed expects all methods to agree on which of the records are there, which
// are all that were made, and that those are not more than there is room for and
// not less than half of that.
func (x *trial) agreed(room int, made ...[]store.Entry) {
	x.Helper()
	live := make(map[store.Key]store.Record)
	owners := make(map[string]map[store.Key]store.Record)
	for _, e := range slices.Concat(made...) {
		if owners[e.Owner] == nil {
			owners[e.Owner] = make(map[store.Key]store.Record)
		}
		if r, ok := x.exists(e.Key); ok {
			live[e.Key], owners[e.Owner][e.Key] = r, r
		}
	}
	if len(live) > room || len(live) < room/2 {
		x.fatalf("the store has %d records, and room for %d", len(live), room)
	}
	if x.has[lister] {
		x.listed(live)
	}
	if x.has[counter] {
		x.counts(len(live))
	}
	if x.has[ownerIndex] {
		for owner, records := range owners {
			if owner != "" {
				x.ownsAll(owner, records)
			}
		}
	}
}
