package rueidis

import (
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"time"
)

// WithCache keeps the sessions that were read in the memory of the program,
// for ttl at most and until the server says that they have changed. A read
// that finds its session there takes no round trip. Off by default.
//
// The server tells of a change, such as a log-out or a revocation through any
// process, as soon as it has made it; until the word has arrived, in less than
// a millisecond or as long as the network takes, other processes go on reading
// the session as it was. If the connection breaks they forget all that they
// read through it. If it hangs, and the word is lost in it, they go on for ttl
// at most: choose it as the longest time that a log-out elsewhere may take, a
// few seconds, and less than a minute anyhow.
//
// That is all that becomes weaker. The process that makes a change sees it at
// once: it reads what it has written in the last ttl from the server. And
// nothing is ever written on the ground of an old read, because the server
// compares versions.
//
// It needs a client without DisableCache and with the default of
// ClientTrackingOptions. Its CacheSizeEachConn says how much memory the cache
// may take.
//
// WithCache panics if ttl is less than a millisecond, or more than an hour.
func WithCache(ttl time.Duration) Option {
	if ttl < time.Millisecond || ttl > time.Hour {
		panic(fmt.Sprintf("sesame/rueidis: WithCache(%v): take between a millisecond and an hour, best a few seconds", ttl))
	}
	return func(c *Conn) {
		c.ttl = ttl
		c.cache = &window{ttl: ttl, began: time.Now(), seed: maphash.MakeSeed()}
	}
}

// A window remembers for ttl which keys this process has written, so that they
// are read around the cache: a value that was cached before the write is gone
// from the cache by then, even if the server's word of it is lost. Reads begun
// before the write may still bring in the old value, but not later than that.
//
// Keys share 65,536 places. Two in one place cost a round trip, no more.
type window struct {
	ttl   time.Duration
	began time.Time
	seed  maphash.Seed
	until [1 << 16]atomic.Int64 // since began
}

func (w *window) place(key string) *atomic.Int64 {
	return &w.until[maphash.String(w.seed, key)%uint64(len(w.until))]
}

// write notes that key is being written. It is called before, so that no read
// that begins during the write is older than one that ended, and after it.
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
