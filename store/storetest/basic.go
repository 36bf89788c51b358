package storetest

import (
	"math"
	"time"

	"github.com/sesame-go/sesame/store"
)

// basicCases are about what one caller sees of Load, Save and Delete.
var basicCases = []testCase{
	{
		name:        "load-missing",
		explanation: "Load returns ErrNotFound for a key under which nothing was saved",
		f: func(x *trial) {
			x.missing(x.key())
			x.create(x.key(), record("another"))
			x.missing(x.key())
		},
	},
	{
		name:        "create",
		explanation: "Save with version 0 stores a new record, and Load returns all of it with the version that Save returned",
		f: func(x *trial) {
			k, r := x.key(), record("data")
			r.Owner = "ann"
			v := x.create(k, r)
			if got := x.holds(k, r); got != v {
				x.Errorf("Load returned version %d, Save had returned %d", got, v)
			}
		},
	},
	{
		name:        "create-existing",
		explanation: "Save with version 0 returns ErrConflict if the key exists, and leaves the record as it is",
		f: func(x *trial) {
			k, r := x.key(), record("first")
			v := x.create(k, r)
			x.conflict(k, record("second"))
			if got := x.holds(k, r); got != v {
				x.Errorf("the refused Save changed the version from %d to %d", v, got)
			}
		},
	},
	{
		name:        "save",
		explanation: "Save with the record's version replaces data, owner and expiry, which it may also bring nearer",
		f: func(x *trial) {
			k := x.key()
			v := x.create(k, store.Record{Expires: in(time.Hour), Owner: "ann", Data: []byte("one")})
			for _, r := range []store.Record{
				{Expires: in(2 * time.Hour), Owner: "ann", Data: []byte("longer than one")},
				{Expires: in(10 * time.Minute), Owner: "bob", Data: []byte("two")},
				{Expires: in(3 * time.Hour), Owner: "", Data: []byte("")},
				{Expires: in(3 * time.Hour), Owner: "ann", Data: []byte("back")},
			} {
				r.Version = v
				v = x.save(k, r)
				if got := x.holds(k, r); got != v {
					x.Errorf("Load returned version %d, Save had returned %d", got, v)
				}
			}
		},
	},
	{
		name:        "save-stale",
		explanation: "Save with any other version than the record's returns ErrConflict and changes nothing",
		f: func(x *trial) {
			k, r := x.key(), record("one")
			v1 := x.create(k, r)
			r.Data, r.Version = []byte("two"), v1
			v2 := x.save(k, r)
			for _, v := range []uint64{v1, v2 + 1, v2 - 1, v2 ^ 1<<63, ^v2, math.MaxUint64, 1} {
				if v == v2 || v == 0 {
					continue
				}
				stale := record("stale")
				stale.Version = v
				x.conflict(k, stale)
				if got := x.holds(k, r); got != v2 {
					x.Errorf("the refused Save changed the version from %d to %d", v2, got)
				}
			}
		},
	},
	{
		name:        "save-missing",
		explanation: "Save with a version returns ErrConflict if there is no record, and creates none",
		f: func(x *trial) {
			for _, v := range []uint64{1, 2, 1 << 32, math.MaxUint64} {
				k, r := x.key(), record("data")
				r.Version = v
				x.conflict(k, r)
				x.missing(k)
			}
		},
	},
	{
		name:        "save-deleted",
		explanation: "Save with the version of a record that was deleted returns ErrConflict: nothing revives it",
		f: func(x *trial) {
			k, r := x.key(), record("data")
			r.Version = x.create(k, r)
			x.delete(k)
			x.conflict(k, r)
			x.missing(k)
		},
	},
	{
		name:        "version-changes",
		explanation: "the version is never zero and differs from one Save to the next, also if nothing else does",
		f: func(x *trial) {
			k, r := x.key(), record("data")
			r.Version = x.create(k, r)
			for range 20 {
				v := x.save(k, r)
				if v == r.Version {
					x.fatalf("two Saves returned the version %d", v)
				}
				r.Version = v
			}
		},
	},
	{
		name:        "version-not-reused",
		explanation: "a record that was deleted and created again has another version than before, so that a Save with the old one is refused",
		f: func(x *trial) {
			k, r := x.key(), record("data")
			seen := make(map[uint64]bool)
			for range 5 {
				r.Version = x.create(k, r)
				old := r
				r.Version = x.save(k, r)
				if seen[old.Version] || seen[r.Version] {
					x.fatalf("version %d or %d was in use before the record was deleted", old.Version, r.Version)
				}
				seen[old.Version], seen[r.Version] = true, true
				x.delete(k)
			}
			x.create(k, record("new"))
			x.conflict(k, r)
		},
	},
	{
		name:        "delete",
		explanation: "Delete removes the record under its key and no other, and the key may be used again",
		f: func(x *trial) {
			k, other := x.key(), x.key()
			x.create(k, record("one"))
			x.create(other, record("other"))
			x.delete(k)
			x.missing(k)
			x.contains(other, "other")
			x.create(k, record("again"))
			x.contains(k, "again")
		},
	},
	{
		name:        "delete-missing",
		explanation: "Delete of a missing record is no error, however often, and creates nothing",
		f: func(x *trial) {
			k := x.key()
			x.delete(k)
			x.missing(k)
			x.create(k, record("data"))
			for range 3 {
				x.delete(k)
				x.missing(k)
			}
		},
	},
	{
		name:        "delete-final",
		explanation: "once Delete has returned nothing brings the record back: no Save, no Touch and no time",
		f: func(x *trial) {
			k, r := x.key(), record("data")
			r.Version = x.create(k, r)
			x.touch(k, in(2*time.Hour))
			x.delete(k)
			x.touch(k, in(3*time.Hour))
			x.missing(k)
			x.conflict(k, r)
			x.missing(k)
			x.pass(time.Now())
			x.missing(k)
		},
	},
}
