package rueidis

import (
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"time"
)

// WithCache keeps sessions that were read in the memory of the program, for ttl at
// most and until the server reports that they have changed. A read that finds its
// session there takes no round trip. The default is no cache.
//
// The server reports a change, such as a log-out or a revocation through any
// process, as soon as it has made it. Until the report arrives, in less than a
// millisecond or as long as the network takes, other processes read the session
// as it was. If the connection breaks they forget all that they read through it.
// If it hangs, and the report is stuck in it, they read the old session for ttl at
// most. So ttl is the longest time that a log-out elsewhere may take to be seen:
// choose a few seconds, and less than a minute.
//
// Nothing else becomes weaker. The process that makes a change sees it at once: it
// reads what it has written in the last ttl from the server. A session that a
// Watch has reported is read from the server too. And an old read never leads to a
// write, because the server compares versions.
//
// The client must not have DisableCache and must have the default
// ClientTrackingOptions. Its CacheSizeEachConn bounds the memory of the cache.
//
// WithCache panics if ttl is less than a millisecond or more than an hour.
func WithCache(ttl time.Duration) Option {
	if ttl < time.Millisecond || ttl > time.Hour {
		panic(fmt.Sprintf("sesame/rueidis: WithCache(%v): take between a millisecond and an hour, best a few seconds", ttl))
	}
	return option(func(c *config) { c.ttl = ttl })
}

// window remembers for ttl which keys this process has written, or knows to have
// changed, so that they are read around the cache. A value that was cached before
// the change is gone from the cache by then, even if the server's report of it is
// lost. Reads that began before the change may still bring in the old value, but
// not later than that.
//
// Keys share 65,536 places. Two in one place cost a round trip, no more.
type window struct {
	ttl   time.Duration
	began time.Time
	seed  maphash.Seed
	until [1 << 16]atomic.Int64 // since began
}

func newWindow(ttl time.Duration) *window {
	return &window{ttl: ttl, began: time.Now(), seed: maphash.MakeSeed()}
}

func (w *window) place(key string) *atomic.Int64 {
	return &w.until[maphash.String(w.seed, key)%uint64(len(w.until))]
}

// write notes that key is being written. It is called before the write, so that
// no read which begins during it is older than one that has ended, and after it.
func (w *window) write(key string) {
	place, until := w.place(key), int64(time.Since(w.began)+w.ttl)
	for old := place.Load(); old < until && !place.CompareAndSwap(old, until); old = place.Load() {
	}
}

// written reports whether key may have been written within ttl.
func (w *window) written(key string) bool {
	until := w.place(key).Load()
	return until > 0 && int64(time.Since(w.began)) < until
}
