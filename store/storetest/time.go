package storetest

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/sesame-go/sesame/store"
)

// No case fails because a call was slow. An answer that came too late to be judged
// proves nothing, and the case tries again with a record that lives longer.

// Cases that need many tries or records to find a fault also end after some time.
// If the store is in memory, so that only the machine is slow, this time is
// patience times as long.
const patience = 10

// isQuick reports whether s keeps its records in memory, going by the fastest of
// some Saves: the one that no other process has delayed.
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

// long returns how long a case may take: d for a slow store, longer for one in
// memory.
func (x *trial) long(d time.Duration) time.Duration {
	if x.quick {
		return patience * d
	}
	return d
}

// In cases that wait, records live for brief in the first try. These cases allow
// margin around the moment of expiry; [edgeCases] test it exactly.
const (
	brief  = 200 * time.Millisecond
	margin = 60 * time.Millisecond
)

// in returns the time d from now in whole milliseconds, which all stores keep.
func in(d time.Duration) time.Time {
	return time.Now().Add(d).Truncate(time.Millisecond)
}

// pass waits until a record has certainly expired.
func (x *trial) pass(expires time.Time) { time.Sleep(time.Until(expires) + margin) }

// until calls f, each time with a longer life for records, until f reports that it
// was fast enough to judge the store.
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
	x.fatalf("the store or the machine is too slow for records that live %v", longest)
}

// alive calls f, which creates records that expire at the given time and does what
// has to be done while they live. If f takes too long, alive calls it again, for
// other records. It returns the time at which the last ones expire.
func (x *trial) alive(f func(expires time.Time)) (expires time.Time) {
	x.Helper()
	x.until(func(life time.Duration) bool {
		expires = in(life)
		f(expires)
		return time.Until(expires) > margin
	})
	return expires
}

// dies loads k, whose record expires between earliest and latest. The answer is
// wrong if it is wrong for the whole duration of the Load. dies reports whether the
// Load ended early enough that the record had to exist.
func (x *trial) dies(k store.Key, earliest, latest time.Time) bool {
	x.Helper()
	began := time.Now()
	_, ok := x.exists(k)
	early := time.Until(earliest) > margin
	if !ok && early {
		x.fatalf("the record has expired at least %v too early", time.Until(earliest))
	}
	if late := began.Sub(latest); ok && late > margin {
		x.fatalf("the record still exists %v after its last possible expiry", late)
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
