package storetest

import (
	"time"

	"github.com/sesame-go/sesame/store"
)

// touchCases are about Touch.
var touchCases = []testCase{
	{
		name:        "touch-extends",
		explanation: "Touch moves Expires to a later time, as the next Load shows, and changes neither data nor owner",
		f: func(x *trial) {
			k, r := x.key(), record("data")
			r.Owner = "ann"
			x.create(k, r)
			for _, by := range []time.Duration{90 * time.Minute, time.Second, 10 * time.Millisecond, time.Millisecond, 48 * time.Hour} {
				r.Expires = r.Expires.Add(by)
				x.touch(k, r.Expires)
				x.holds(k, r)
			}
			// Touch is allowed to change the version.
			got := x.load(k)
			got.Data = []byte("saved after touch")
			x.save(k, got)
			x.holds(k, got)
		},
	},
	{
		name:        "touch-lives",
		explanation: "a record that was touched exists after its first Expires, until the new one",
		f: func(x *trial) {
			var k store.Key
			var later time.Time
			x.until(func(life time.Duration) bool {
				first := in(life)
				k, later = x.key(), first.Add(2*life)
				x.create(k, store.Record{Expires: first})
				x.touch(k, later)
				if time.Until(first) <= margin {
					return false
				}
				x.pass(first)
				inTime := x.dies(k, later, later)
				time.Sleep(time.Until(later.Add(-2 * margin)))
				return x.dies(k, later, later) || inTime
			})
			x.pass(later)
			x.missing(k)
		},
	},
	{
		name:        "touch-never-shortens",
		explanation: "Touch with a time earlier than the record's Expires, or with one in the past, changes nothing",
		f: func(x *trial) {
			k, r := x.key(), record("data")
			x.create(k, r)
			for _, expires := range append(pastTimes(), in(0), in(brief), in(time.Minute), r.Expires) {
				x.touch(k, expires)
				x.holds(k, r)
			}
			x.pass(in(brief))
			x.holds(k, r)
		},
	},
	{
		name:        "touch-never-creates",
		explanation: "Touch of a missing record is no error and creates none",
		f: func(x *trial) {
			k := x.key()
			x.touch(k, in(time.Hour))
			x.missing(k)
			x.create(k, record("data"))
			x.delete(k)
			x.touch(k, in(2*time.Hour))
			x.missing(k)
			x.create(k, record("again"))
			x.contains(k, "again")
		},
	},
	{
		name:        "touch-after-save",
		explanation: "Touch compares with the record's current Expires, not with an earlier one: after a Save has moved Expires nearer, Touch extends from there",
		f: func(x *trial) {
			k, r := x.key(), record("data")
			r.Expires = in(3 * time.Hour)
			r.Version = x.create(k, r)
			x.touch(k, in(4*time.Hour))
			r.Version = x.load(k).Version
			r.Expires = in(10 * time.Minute)
			x.save(k, r)
			r.Expires = in(20 * time.Minute)
			x.touch(k, r.Expires)
			x.holds(k, r)

			x.delete(k)
			r.Expires = in(5 * time.Minute)
			x.create(k, r)
			r.Expires = in(15 * time.Minute)
			x.touch(k, r.Expires)
			x.holds(k, r)
		},
	},
	{
		name:        "touch-others",
		explanation: "Touch extends the record under its key and no other, not even one with the same owner or the same expiry",
		f: func(x *trial) {
			made := x.creates(10, func(int) store.Record { return stored() })
			for k, r := range made {
				r.Expires = r.Expires.Add(time.Hour)
				x.touch(k, r.Expires)
				made[k] = r
				break
			}
			for k, r := range made {
				x.holds(k, r)
			}
		},
	},
}
