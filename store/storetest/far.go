package storetest

import (
	"errors"
	"math"
	"time"

	"github.com/sesame-go/sesame/store"
)

// farCases are about times so far away that a store's number or date type may
// overflow.
var farCases = []testCase{
	{
		name:        "far-kept",
		explanation: "an Expires up to the end of the year 9999 is kept or, if the store cannot keep it, cut to a time at least a hundred years away or refused with an error; every method takes the record for live until it is deleted",
		f: func(x *trial) {
			for _, far := range farTimes() {
				x.livesUntil(far, func(k store.Key, r store.Record) (uint64, error) { return x.s.Save(x.ctx, k, r) })
			}
		},
	},
	{
		name:        "far-touched",
		explanation: "Touch extends to a time up to the end of the year 9999 or, if the store cannot keep it, to a time at least a hundred years away, or it returns an error and changes nothing",
		f: func(x *trial) {
			for _, far := range farTimes() {
				x.livesUntil(far, func(k store.Key, r store.Record) (uint64, error) {
					r.Expires = in(time.Hour)
					x.create(k, r)
					if err := x.s.Touch(x.ctx, k, far); err != nil {
						x.holds(k, r)
						x.delete(k)
						return 0, err
					}
					return x.load(k).Version, nil
				})
			}
		},
	},
	{
		name:        "far-beyond",
		explanation: "an Expires after the year 9999 is kept, cut to a time at least a hundred years away, or refused with an error; it never means the past",
		f: func(x *trial) {
			for _, far := range []time.Time{
				time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(29_049, 1, 1, 0, 0, 0, 0, time.UTC),
				time.Date(294_247, 1, 11, 0, 0, 0, 0, time.UTC), time.Date(559_444, 1, 1, 0, 0, 0, 0, time.UTC),
				time.Unix(math.MaxInt64/1000+1, 0), time.Unix(1<<60, 0), time.Unix(1<<62, 0),
			} {
				x.livesUntil(far, func(k store.Key, r store.Record) (uint64, error) { return x.s.Save(x.ctx, k, r) })

				k, r := x.key(), record("data")
				r.Version = x.create(k, r)
				if err := x.s.Touch(x.ctx, k, far); err == nil {
					if got := x.load(k).Expires; got.Before(distant()) {
						x.fatalf("Touch to the year %d moved Expires to %v", far.Year(), got)
					}
				}
				x.contains(k, "data")
				x.delete(k)
			}
		},
	},
	{
		name:        "far-past",
		explanation: "an Expires in the distant past means the past or is refused with an error; it never means the future or \"no expiry\", and a Touch with it changes nothing",
		f: func(x *trial) {
			for _, past := range append(pastTimes(),
				time.Date(1677, 9, 21, 0, 0, 0, 0, time.UTC), time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
				time.Date(-290_308, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-559_444, 1, 1, 0, 0, 0, 0, time.UTC),
				time.Unix(math.MinInt64/1000-1, 0), time.Unix(-1<<60, 0), time.Unix(-1<<61, 0),
			) {
				k, r := x.key(), stored()
				r.Expires = past
				x.accepted(x.s.Save(x.ctx, k, r))
				x.gone(k)

				r.Expires = in(time.Hour)
				r.Version = x.create(k, r)
				if err := x.s.Touch(x.ctx, k, past); err == nil {
					x.holds(k, r)
				}
				r.Expires = past
				r.Version = x.load(k).Version
				if x.accepted(x.s.Save(x.ctx, k, r)) {
					x.gone(k)
				}
				x.delete(k)
			}
		},
	},
}

// farTimes returns times that may overflow some type of number or date.
func farTimes() []time.Time {
	last := time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)
	return []time.Time{
		time.Unix(1<<31, 0), time.Unix(1<<32, 0), time.UnixMilli(1 << 42),
		time.Unix(0, math.MaxInt64).Truncate(time.Millisecond), time.Date(2262, 4, 12, 0, 0, 0, 0, time.UTC),
		time.Date(2554, 7, 22, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
		last, last.Add(-14 * time.Hour), last.In(time.FixedZone("", 14*3600)),
	}
}

// distant is the earliest time that a far Expires may be cut to.
func distant() time.Time { return time.Now().AddDate(100, 0, 0) }

// livesUntil expects that a record which save has saved with that Expires is live
// for every method, or that save has returned an error.
func (x *trial) livesUntil(far time.Time, save func(k store.Key, r store.Record) (uint64, error)) {
	x.Helper()
	k, r := x.key(), stored()
	r.Expires = far
	v, err := save(k, r)
	if !x.accepted(v, err) {
		return
	}
	got := x.load(k)
	r.Version, r.Expires = v, got.Expires
	x.remains(k, r)
	least := distant()
	if far.Before(least) {
		least = far.Add(-time.Millisecond)
	}
	if got.Expires.Before(least) || got.Expires.After(far.Add(time.Millisecond)) {
		x.fatalf("Expires is %v, want %v", got.Expires, far)
	}
	if x.has[lister] {
		if _, ok := x.all()[k]; !ok {
			x.fatalf("All does not yield the record, whose Expires is %v", far)
		}
	}
	if x.has[counter] && x.count() != 1 {
		x.fatalf("Count does not count the record, whose Expires is %v", far)
	}
	if x.has[sweeper] && x.sweep(100) != 0 {
		x.fatalf("Sweep has removed the record, whose Expires is %v", far)
	}
	x.touch(k, in(time.Hour))
	x.holds(k, r)
	r.Version = x.load(k).Version
	r.Data, r.Expires = []byte("saved"), in(time.Hour)
	x.save(k, r)
	x.holds(k, r)
	x.delete(k)
	x.missing(k)
}

// accepted reports whether Save has succeeded. If it has failed, the error must
// say that the record cannot be stored, not that another was in the way.
func (x *trial) accepted(_ uint64, err error) bool {
	x.Helper()
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
		x.fatalf("Save of a record with an extreme Expires: %v", err)
	}
	return err == nil
}
