package storetest

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/sesame-go/sesame/store"
)

// Time is what a slow machine has too little of. So no case demands that calls
// be done by some time. What was answered too late to be judged proves nothing,
// and is asked again of a record that lives longer.

// Where it takes many tries or records to find a fault, cases also end when they
// have taken long. But if the store is in memory and it is only the machine that
// is slow, they go on for patience times as long before they make do with less.
const patience = 10

// isQuick reports whether s keeps its records in memory: of some calls the
// quickest, which no other process has held up, took no more than that.
func isQuick(ctx context.Context, s store.Store) bool {
	const quick, tries = 50 * time.Microsecond, 50
	for range tries {
		var k store.Key
		rand.Read(k[:])
		begun := time.Now()
		_, err := s.Save(ctx, k, record("quick"))
		took := time.Since(begun)
		s.Delete(ctx, k)
		if err == nil && took < quick {
			return true
		}
	}
	return false
}

// long returns for how long to try what a slow store need be given only d for.
func (x *trial) long(d time.Duration) time.Duration {
	if x.quick {
		return patience * d
	}
	return d
}

// Records of the cases that wait live for brief, at first. By a margin these
// cases do not look more closely; [edgeCases] do.
const (
	brief  = 200 * time.Millisecond
	margin = 60 * time.Millisecond
)

// in returns the time after d, in whole milliseconds, as all stores keep it.
func in(d time.Duration) time.Time {
	return time.Now().Add(d).Truncate(time.Millisecond)
}

// pass waits until a record has certainly expired.
func (x *trial) pass(expires time.Time) { time.Sleep(time.Until(expires) + margin) }

// until calls f until it reports that it was in time to prove something, each
// time with longer for records to live.
func (x *trial) until(f func(life time.Duration) bool) {
	x.Helper()
	const longest = 20 * time.Second
	for life := brief; life <= longest; {
		begun := time.Now()
		if f(life) {
			return
		}
		life = 2 * max(life, time.Since(begun))
	}
	x.fatalf("store or machine are too slow for records that live %v", longest)
}

// alive calls f to create records that expire soon, at the given time, and to
// do what has to be done while they live. If that took too long it calls f
// again, for other records. It returns when the records expire.
func (x *trial) alive(f func(expires time.Time)) (expires time.Time) {
	x.Helper()
	x.until(func(life time.Duration) bool {
		expires = in(life)
		f(expires)
		return time.Until(expires) > margin
	})
	return expires
}

// dies loads k, whose record expires at some time from earliest to latest. The
// answer is wrong if no instant between the beginning and the end of the Load
// justifies it. It reports whether the end was early enough to demand that the
// record be there.
func (x *trial) dies(k store.Key, earliest, latest time.Time) bool {
	x.Helper()
	began := time.Now()
	_, ok := x.exists(k)
	early := time.Until(earliest) > margin
	if !ok && early {
		x.fatalf("the record has expired at least %v too early", time.Until(earliest))
	}
	if late := began.Sub(latest); ok && late > margin {
		x.fatalf("the record is there %v after it must have expired", late)
	}
	return early
}

// savedInTime saves r, which must succeed unless the record has expired.
func (x *trial) savedInTime(k store.Key, r store.Record, expires time.Time) (version uint64) {
	x.Helper()
	v, err := x.s.Save(x.ctx, k, r)
	if !x.won(err) && time.Until(expires) > margin {
		x.fatalf("Save with version %d: %v", r.Version, err)
	}
	return v
}
