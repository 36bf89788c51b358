package storetest

import (
	"math"
	"time"

	"github.com/sesame-go/sesame/store"
)

// conflictCases are about a Save that must be refused, and have no effect.
var conflictCases = []testCase{
	{
		name:        "create-existing",
		explanation: "Save with version 0 returns ErrConflict if the key exists, and leaves data, owner, expiry and version unchanged",
		f: func(x *trial) {
			k, r := x.key(), stored()
			r.Version = x.create(k, r)
			for _, other := range unlike(r) {
				other.Version = 0
				x.conflict(k, other)
				x.remains(k, r)
			}
			x.only(k, r)
		},
	},
	{
		name:        "save-stale",
		explanation: "Save with an earlier version of the record returns ErrConflict and leaves data, owner, expiry and version unchanged",
		f: func(x *trial) {
			k, r := x.key(), stored()
			stale := x.create(k, r)
			r.Version = stale
			r.Version = x.save(k, r)
			for _, other := range unlike(r) {
				other.Version = stale
				x.conflict(k, other)
				x.remains(k, r)
			}
			x.only(k, r)
		},
	},
	{
		name:        "save-stale-equal",
		explanation: "Save compares versions and nothing else: with a stale version, or with 0, it returns ErrConflict even if all fields equal the stored ones. A store that takes such a Save for a retry redeems a coupon twice",
		f: func(x *trial) {
			for _, durable := range []bool{false, true} {
				k, r := x.key(), stored()
				stale := x.create(k, r)
				r.Version = stale
				r.Version = x.save(k, r)
				for _, v := range []uint64{0, stale} {
					same := r
					same.Version, same.Durable = v, durable
					x.conflict(k, same)
					x.remains(k, r)
				}
				// The stored record may also be one that was changed and changed back.
				other := r
				other.Data = []byte("another")
				other.Version = x.save(k, other)
				back := r
				back.Version = other.Version
				back.Version = x.save(k, back)
				x.conflict(k, r)
				x.remains(k, back)
			}
		},
	},
	{
		name:        "save-wrong-version",
		explanation: "Save with any version but the record's returns ErrConflict, even if a single bit differs: all 64 bits count",
		f: func(x *trial) {
			k, r := x.key(), stored()
			r.Version = x.create(k, r)
			wrong := []uint64{r.Version + 1, r.Version - 1, ^r.Version, -r.Version, math.MaxUint64, math.MaxInt64, 1}
			for bit := range 64 {
				wrong = append(wrong, r.Version^1<<bit)
			}
			for _, v := range wrong {
				if v == r.Version || v == 0 {
					continue
				}
				other := record("other")
				other.Version = v
				x.conflict(k, other)
			}
			x.remains(k, r)
		},
	},
	{
		name:        "save-missing",
		explanation: "Save with a version other than 0 returns ErrConflict if there is no record, and creates none",
		f: func(x *trial) {
			for _, v := range []uint64{1, 2, 1 << 32, math.MaxUint64} {
				for _, durable := range []bool{false, true} {
					k, r := x.key(), stored()
					r.Version, r.Durable = v, durable
					x.conflict(k, r)
					x.gone(k)
				}
			}
		},
	},
	{
		name:        "save-deleted",
		explanation: "Save with the version of a deleted record returns ErrConflict: Save never revives a record",
		f: func(x *trial) {
			for _, durable := range []bool{false, true} {
				k, r := x.key(), stored()
				r.Version = x.create(k, r)
				x.delete(k)
				r.Durable = durable
				x.conflict(k, r)
				x.gone(k)
			}
		},
	},
}

// only expects r to be under k, and the store to have no other record.
func (x *trial) only(k store.Key, r store.Record) {
	x.Helper()
	x.remains(k, r)
	if x.has[lister] {
		x.listed(map[store.Key]store.Record{k: r})
	}
	if x.has[counter] {
		x.counts(1)
	}
	if x.has[ownerIndex] {
		for _, owner := range []string{"ann", "bob"} {
			if owner != r.Owner {
				x.deleteOwned(0, owner)
			}
		}
	}
}

// gone expects that no method finds the record under k, whose owner was ann or
// bob, or any other record.
func (x *trial) gone(k store.Key) {
	x.Helper()
	x.missing(k)
	if x.has[ownerIndex] {
		for _, owner := range []string{"ann", "bob"} {
			x.owns(owner)
			x.deleteOwned(0, owner)
		}
	}
	if x.has[lister] {
		x.listed(nil)
	}
	if x.has[counter] {
		x.counts(0)
	}
}

// stored returns a record with an owner, so that it is also in an index.
func stored() store.Record {
	return store.Record{Expires: in(time.Hour), Owner: "ann", Data: []byte("stored")}
}

// unlike returns records that differ from r in data, owner, expiry or several of
// them.
func unlike(r store.Record) []store.Record {
	var all []store.Record
	for i, expires := range []time.Time{
		r.Expires, r.Expires.Add(time.Hour), r.Expires.Add(-10 * time.Minute), in(-time.Minute), {},
	} {
		for _, owner := range []string{r.Owner, "bob", ""} {
			for j, data := range [][]byte{r.Data, []byte("other"), nil} {
				all = append(all, store.Record{Expires: expires, Owner: owner, Data: data, Durable: (i+j)%2 == 1})
			}
		}
	}
	return all
}
