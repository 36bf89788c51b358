package storetest

import (
	"slices"
	"time"

	"github.com/sesame-go/sesame/store"
)

// bounded returns a function that makes records for stores with little room.
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

// room returns how many records the store has room for, and leaves it empty.
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
			x.fatalf("the store keeps %d records, but should have room for %d to %d", len(made), boundedRoom, 2*boundedRoom)
		}
	}
	n := len(made) - 1
	if n < boundedRoom {
		x.fatalf("the store dropped a record when it had %d, but should have room for %d", n, boundedRoom)
	}
	return n
}

// kept expects all of the records to be there.
func (x *trial) kept(whose string, made []store.Entry) {
	x.Helper()
	for _, e := range made {
		if r, ok := x.exists(e.Key); !ok {
			x.fatalf("the store dropped a record that is %s", whose)
		} else {
			x.same(r, e.Record)
		}
	}
}

// droppedFirst expects that the store has dropped at least all-room records, and
// that they are the first of inOrder, which is the order in which records are
// dropped. Which describes the order.
func (x *trial) droppedFirst(which string, inOrder []store.Entry, all, room int) {
	x.Helper()
	gone := 0
	for i, e := range inOrder {
		if _, ok := x.exists(e.Key); ok {
			continue
		}
		if i != gone {
			x.fatalf("the store dropped record %d of %d before record %d: it must first drop %s", i+1, len(inOrder), gone+1, which)
		}
		gone++
	}
	if gone < all-room {
		x.fatalf("the store dropped %d of %d records, want %d, since it has room for %d: it must first drop %s", gone, len(inOrder), all-room, room, which)
	}
}

// agreed expects that all methods agree on which of the records exist, where made
// has all that were created, and that their number is between half of room and
// room.
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
		x.fatalf("the store has %d records, want %d to %d", len(live), room/2, room)
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
