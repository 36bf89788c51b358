package storetest

import "time"

// durableCases test that a Save with Durable set is otherwise like any other.
// Whether it survives a power loss cannot be tested here.
var durableCases = []testCase{
	{
		name:        "durable",
		explanation: "Save with Durable set is a Save like any other: it creates and replaces, with all fields and a new version, and Load returns Durable unset",
		f: func(x *trial) {
			k, r := x.key(), stored()
			r.Durable = true
			r.Version = x.create(k, r)
			x.remains(k, r)
			for i, next := range unlike(r) {
				if !next.Expires.After(in(time.Minute)) {
					continue
				}
				next.Durable = i%3 != 0
				next.Version = r.Version
				next.Version = x.save(k, next)
				x.remains(k, next)
				x.conflict(k, r)
				x.remains(k, next)
				r = next
			}
			r.Expires = in(5 * time.Hour)
			x.touch(k, r.Expires)
			x.holds(k, r)
			x.delete(k)
			x.missing(k)
		},
	},
	{
		name:        "durable-race",
		explanation: "of concurrent Saves with the same version, half of them with Durable set, exactly one succeeds",
		f: func(x *trial) {
			for range x.rounds() {
				k, r := x.key(), record("start")
				r.Version = x.create(k, r)
				r.Durable = true
				x.oneWinner(k, r)
			}
		},
	},
}
