package memstore

import (
	"context"
	"math/rand/v2"

	"github.com/sesame-go/sesame/store"
)

// sweepBatch is how many records Sweep removes before it lets others have the
// shard: some tens of microseconds.
const sweepBatch = 128

// Sweep implements [store.Sweeper].
func (s *Store) Sweep(ctx context.Context, limit int) (int, error) {
	removed := 0
	// Beginning anywhere, small sweeps come to each shard in the long run.
	start := rand.IntN(shardCount)
	for i := range s.shards {
		sh := &s.shards[(start+i)%shardCount]
		for {
			if err := ctx.Err(); err != nil {
				return removed, err
			}
			batch := min(sweepBatch, limit-removed)
			n := s.sweep(sh, batch)
			removed += n
			if removed >= limit {
				return removed, nil
			}
			if n < batch {
				break
			}
		}
	}
	return removed, nil
}

// sweep removes at most limit expired records of one shard.
func (s *Store) sweep(sh *shard, limit int) int {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	now := clock()
	for n := range limit {
		i := sh.expired(now)
		if i == 0 {
			return n
		}
		s.drop(sh, i)
	}
	return max(limit, 0)
}

// reserve takes room for one record, in a full store that of another one.
// While a record is in the making it has room but cannot be dropped yet.
func (s *Store) reserve() error {
	for {
		n := s.count.Load()
		switch {
		case n < s.max:
			if s.count.CompareAndSwap(n, n+1) {
				return nil
			}
		case s.evict():
			return nil
		case s.count.Load() >= s.max:
			return store.ErrFull
		}
	}
}

// evict removes the record that is the first to go, if there is one, and keeps
// its room. It looks at the tops of all shards, a lock at a time. If the
// one that it chose was changed or taken before it could come back for it, it
// looks again: the record it drops was the first of its shard in the moment of
// dropping and came before what it saw in the others.
func (s *Store) evict() bool {
	for {
		var victim *shard
		var nearest int64
		for i := range s.shards {
			sh := &s.shards[i]
			sh.mu.RLock()
			if i := sh.firstToGo(); i != 0 {
				if expires := sh.slots[i].expires; victim == nil || expires < nearest {
					victim, nearest = sh, expires
				}
			}
			sh.mu.RUnlock()
		}
		if victim == nil {
			return false
		}
		victim.mu.Lock()
		i := victim.firstToGo()
		found := i != 0 && victim.slots[i].expires <= nearest
		if found {
			s.remove(victim, i)
		}
		victim.mu.Unlock()
		if found {
			return true
		}
	}
}

// firstToGo returns the slot to drop when the store is full, or 0. Whatever
// has expired has a lower expiry than whatever has not, so of several slots
// the one with the lowest goes first.
func (sh *shard) firstToGo() uint32 {
	if i := sh.expired(clock()); i != 0 {
		return i
	}
	return sh.ownerless.top()
}

// expired returns the slot that expired first, or 0 if none has.
func (sh *shard) expired(now int64) uint32 {
	i := sh.ownerless.top()
	if j := sh.owned.top(); i == 0 || j != 0 && sh.slots[j].expires < sh.slots[i].expires {
		i = j
	}
	if i != 0 && sh.slots[i].expires > now {
		return 0
	}
	return i
}
