package storetest

import (
	"time"

	"github.com/sesame-go/sesame/store"
)

// basicCases are about what one caller sees of Load, Save and Delete.
var basicCases = []testCase{
	{
		name:        "load-missing",
		explanation: "Load returns ErrNotFound for a key that was never saved",
		f: func(x *trial) {
			x.missing(x.key())
			x.create(x.key(), record("another"))
			x.missing(x.key())
		},
	},
	{
		name:        "create",
		explanation: "Save with version 0 creates a record; Load returns all of its fields, and the version that Save returned",
		f: func(x *trial) {
			k, r := x.key(), record("data")
			r.Owner = "ann"
			r.Version = x.create(k, r)
			x.remains(k, r)
		},
	},
	{
		name:        "save",
		explanation: "Save with the record's version replaces data, owner and expiry; the new expiry may be earlier",
		f: func(x *trial) {
			k := x.key()
			v := x.create(k, stored())
			for _, r := range []store.Record{
				{Expires: in(2 * time.Hour), Owner: "ann", Data: []byte("longer than one")},
				{Expires: in(10 * time.Minute), Owner: "bob", Data: []byte("two")},
				{Expires: in(3 * time.Hour), Owner: "", Data: []byte("")},
				{Expires: in(3 * time.Hour), Owner: "ann", Data: []byte("back")},
			} {
				r.Version = v
				v = x.save(k, r)
				r.Version = v
				x.remains(k, r)
			}
		},
	},
	{
		name:        "save-equal",
		explanation: "a Save with the current version takes effect even if some or all of its fields equal the stored ones: the other fields are stored, the record gets a new version, and the old version is stale",
		f: func(x *trial) {
			k, r := x.key(), store.Record{Expires: in(time.Hour), Owner: "ann", Data: []byte("equal")}
			r.Version = x.create(k, r)
			for _, next := range []store.Record{
				r,
				{Expires: r.Expires.Add(time.Hour), Owner: "ann", Data: r.Data},
				{Expires: r.Expires, Owner: "ann", Data: r.Data},
				{Expires: r.Expires, Owner: "bob", Data: r.Data},
				{Expires: r.Expires, Owner: "", Data: r.Data},
				{Expires: r.Expires, Owner: "ann", Data: r.Data},
				{Expires: in(10 * time.Minute), Owner: "ann", Data: r.Data},
				{Expires: r.Expires, Owner: "ann", Data: r.Data},
			} {
				stale := r
				next.Version = r.Version
				next.Version = x.save(k, next)
				x.remains(k, next)
				if next.Version == stale.Version {
					x.fatalf("Save returned version %d, which the record had before", stale.Version)
				}
				x.conflict(k, stale)
				x.remains(k, next)
				r = next
			}
		},
	},
	{
		name:        "delete",
		explanation: "Delete removes the record under its key and no other, and the key may be used again",
		f: func(x *trial) {
			other := x.key()
			x.create(other, record("other"))
			for range 20 {
				k := x.key()
				x.create(k, record("one"))
				x.delete(k)
				x.missing(k)
				x.contains(other, "other")
				x.create(k, record("again"))
				x.contains(k, "again")
			}
		},
	},
	{
		name:        "delete-missing",
		explanation: "Delete of a missing record is no error, may be repeated, and creates nothing",
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
		explanation: "once Delete has returned, no Save or Touch restores the record, and it does not reappear later",
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
