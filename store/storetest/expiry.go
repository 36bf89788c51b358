package storetest

import (
	"time"

	"github.com/sesame-go/sesame/store"
)

// expiryCases are about Expires.
var expiryCases = []testCase{
	{
		name:        "expiry-kept",
		explanation: "Expires comes back to the millisecond, whether it is near, far or in another time zone",
		f: func(x *trial) {
			for _, expires := range []time.Time{
				in(time.Hour),
				in(time.Hour + time.Millisecond),
				in(time.Hour + 999*time.Millisecond),
				in(time.Hour).Add(999 * time.Microsecond),
				in(24 * time.Hour).In(time.FixedZone("", -5*3600)),
				in(31 * 24 * time.Hour).UTC(),
				in(20 * 365 * 24 * time.Hour),
			} {
				k, r := x.key(), record("data")
				r.Expires = expires
				x.create(k, r)
				x.holds(k, r)
				if x.has[lister] {
					x.same(x.all()[k], r)
				}
				later := expires.Add(1234 * time.Millisecond)
				x.touch(k, later)
				x.expires(x.load(k), later)
				x.delete(k)
			}
		},
	},
	{
		name:        "expired",
		explanation: "a record exists until its Expires; after that Load does not find it, Save does not change it and Touch does not revive it",
		f: func(x *trial) {
			var k store.Key
			r := stored()
			x.pass(x.alive(func(expires time.Time) {
				k, r.Expires = x.key(), expires
				r.Version = x.create(k, r)
				x.dies(k, expires, expires)
			}))
			x.missing(k)
			x.touch(k, in(time.Hour))
			x.missing(k)
			r.Owner, r.Expires = "bob", in(time.Hour)
			x.conflict(k, r)
			x.missing(k)
			x.gone(k)
			x.delete(k)
			x.gone(k)
		},
	},
	{
		name:        "expired-unread",
		explanation: "Save and Touch notice that a record has expired even if no Load came before them",
		f: func(x *trial) {
			saved, touched, r := x.key(), x.key(), record("data")
			r.Expires = in(brief)
			x.create(touched, r)
			r.Version = x.create(saved, r)
			x.pass(r.Expires)
			x.touch(touched, in(time.Hour))
			x.missing(touched)
			r.Expires = in(time.Hour)
			x.conflict(saved, r)
			x.missing(saved)
		},
	},
	{
		name:        "expired-create",
		explanation: "a key whose record has expired does not exist: Save with version 0 creates a new record with a new version",
		f: func(x *trial) {
			k, r := x.key(), record("old")
			r.Expires = in(brief)
			r.Version = x.create(k, r)
			x.pass(r.Expires)
			v := x.create(k, record("new"))
			if v == r.Version {
				x.Errorf("the new record has version %d, the same as the old one", v)
			}
			x.contains(k, "new")
			r.Expires = in(time.Hour)
			x.conflict(k, r)
			x.contains(k, "new")
		},
	},
	{
		name:        "expired-saved-sooner",
		explanation: "a Save may move Expires nearer, and the record then expires at the new time, whatever its Expires was before",
		f: func(x *trial) {
			k, r := x.key(), record("data")
			r.Version = x.create(k, r)
			r.Expires = in(brief)
			x.save(k, r)
			x.pass(r.Expires)
			x.missing(k)
		},
	},
	{
		name:        "past-created",
		explanation: "a record that is already past its Expires is accepted and not found; it never means \"no expiry\", and its key may be used again",
		f: func(x *trial) {
			for _, expires := range pastTimes() {
				k, r := x.key(), record("past")
				r.Expires = expires
				x.create(k, r)
				x.missing(k)
				x.create(k, record("new"))
				x.contains(k, "new")
			}
		},
	},
	{
		name:        "past-saved",
		explanation: "a Save that sets an Expires in the past is accepted, and the record is not found afterwards",
		f: func(x *trial) {
			for _, expires := range pastTimes() {
				k, r := x.key(), record("data")
				r.Version = x.create(k, r)
				r.Expires = expires
				r.Version = x.save(k, r)
				x.missing(k)
				r.Expires = in(time.Hour)
				x.conflict(k, r)
				x.touch(k, in(time.Hour))
				x.missing(k)
			}
		},
	},
	{
		name:        "expiry-tiny",
		explanation: "a record that lives for less than a millisecond is accepted, and is soon gone",
		f: func(x *trial) {
			var keys []store.Key
			for _, d := range []time.Duration{0, 1, time.Microsecond, 300 * time.Microsecond, time.Millisecond} {
				k, r := x.key(), record("data")
				r.Expires = time.Now().Add(d)
				x.create(k, r)
				keys = append(keys, k)
			}
			x.pass(time.Now())
			for _, k := range keys {
				x.missing(k)
			}
		},
	},
	{
		name:        "durable-expires",
		explanation: "a record saved with Durable set expires as any other does, and a Save with Durable set does not revive it",
		f: func(x *trial) {
			var k store.Key
			r := record("data")
			x.pass(x.alive(func(expires time.Time) {
				k, r = x.key(), record("data")
				r.Version = x.create(k, r)
				r.Durable, r.Expires = true, expires
				r.Version = x.save(k, r)
				x.dies(k, expires, expires)
			}))
			x.missing(k)
			r.Expires = in(time.Hour)
			x.conflict(k, r)
			x.missing(k)
		},
	},
}

// pastTimes returns times in the past, including some that are zero or negative
// in a common unit.
func pastTimes() []time.Time {
	return []time.Time{
		time.Now().Add(-margin),
		time.Now().Add(-time.Second),
		time.Now().Add(-24 * time.Hour),
		time.Unix(1, 0),
		time.Unix(0, 1),
		time.Unix(0, 0),
		time.Unix(-1, 0),
		time.Date(1901, 1, 1, 0, 0, 0, 0, time.UTC),
		{},
	}
}
