package logstore

import (
	"github.com/sesame-go/sesame/internal/records"
	"github.com/sesame-go/sesame/store"
)

// A batch is what is written at once. It changes each key once at most: an op
// on a key that the batch changes already waits for the next one, so that all
// are decided by what readers see. Their order is free, because none of
// them has been answered yet.
//
// Records that it changes are held, and live on as they are until the batch is
// durable: the change was decided while they lived and must not revive what
// others have found gone.
type batch struct {
	saves    part // and what makes room for them, and touches
	removals part
	deferred []*op
	keys     map[store.Key]struct{} // that it changes
	durable  bool                   // sync in all modes
	touched  []store.Key
	now      int64

	// What it changes in number and cost of the records, how many it has
	// removed to get there, and whether it saves any without an owner.
	count     int
	bytes     int64
	evicted   int
	ownerless bool
}

// A part is written as a whole or not at all.
type part struct {
	buf []byte
	ops []*op
}

const (
	// maxEvicted is how many records a batch removes to make room, and
	// maxRemoved how many of an owner: readers wait for a millisecond.
	maxEvicted = 1000
	maxRemoved = 1000
)

// stage decides on ops. It answers those that change nothing and makes a batch
// of the others and of what was touched.
func (s *Store) stage(ops []*op) *batch {
	s.set.Lock()
	defer s.set.Unlock()
	b := &batch{saves: part{buf: s.buf[:0]}, keys: make(map[store.Key]struct{}), now: records.Now()}
	b.touched, s.touched = s.touched, nil
	for _, k := range b.touched {
		if r := s.set.Find(k); r != nil && r.Touched {
			r.Touched = false
			b.saves.buf = s.format.append(b.saves.buf, &frame{kind: kindTouch, version: r.Version, expires: r.Expires, key: k})
		}
	}
	for _, o := range ops {
		if !o.state.CompareAndSwap(waiting, taken) {
			continue
		}
		if err := o.ctx.Err(); err != nil {
			o.answer(err)
			continue
		}
		switch o.kind {
		case kindPut:
			s.stageSave(b, o)
		case kindRemove:
			s.stageRemove(b, o)
		case kindRemoveOwned:
			s.stageRemoveOwned(b, o)
		}
	}
	return b
}

func (s *Store) stageSave(b *batch, o *op) {
	if b.has(o.key) {
		b.wait(o)
		return
	}
	old := s.set.Live(o.key, b.now)
	if old == nil && o.record.Version != 0 || old != nil && old.Version != o.record.Version {
		o.answer(store.ErrConflict)
		return
	}
	if old == nil {
		if r := s.set.Find(o.key); r != nil {
			s.set.Remove(r) // it has expired
		}
		if records.Micros(o.record.Expires) <= b.now {
			o.version = s.nextVersion()
			o.answer(nil)
			return
		}
	}
	if !s.makeRoom(b, old, records.Cost(o.record.Owner, o.record.Data)) {
		// What the batch changes may go, or be gone, once it is written. Each
		// batch makes some room and deferred ops come first, so that there
		// will be enough for o.
		b.wait(o)
		return
	}
	b.durable = b.durable || o.record.Durable
	b.ownerless = b.ownerless || o.record.Owner == ""
	s.add(b, &b.saves, o)
}

// makeRoom removes records until there is room for one of the given cost in
// place of old, which may be nil and is held from then on. If there is none, or
// not yet, it reports false.
func (s *Store) makeRoom(b *batch, old *records.Record, cost int64) bool {
	count := 1
	if old != nil {
		count, cost = 0, cost-old.Cost()
		s.set.Hold(old)
	}
	for s.set.Len()+b.count+count > s.maxSessions || s.set.Bytes()+b.bytes+cost > s.maxBytes {
		r := s.set.Next(b.now)
		if r == nil || b.evicted == maxEvicted || b.ownerless && r.Owner() != "" && !r.Expired(b.now) {
			if old != nil {
				s.set.Release(old)
			}
			return false
		}
		b.evicted++
		if k := r.Key; s.retire(b, r) {
			s.add(b, &b.saves, &op{kind: kindRemove, key: k})
		}
	}
	b.count += count
	b.bytes += cost
	return true
}

func (s *Store) stageRemove(b *batch, o *op) {
	if b.has(o.key) {
		b.wait(o)
		return
	}
	b.durable = true
	r := s.set.Find(o.key)
	if r == nil {
		b.removals.ops = append(b.removals.ops, o) // what removed it may not be durable yet
		return
	}
	s.retire(b, r)
	s.add(b, &b.removals, o)
}

// stageRemoveOwned waits for what the batch does to owner's records, so that
// it finds them wherever they are then.
func (s *Store) stageRemoveOwned(b *batch, o *op) {
	page, last := s.set.OwnedBy(o.owner, o.after, make([]*records.Record, 0, maxRemoved))
	for _, r := range page {
		if b.has(r.Key) && !o.kept[r.Key] {
			b.wait(o)
			return
		}
	}
	for _, r := range page {
		if o.kept[r.Key] {
			continue
		}
		o.removed = append(o.removed, r.Key)
		if s.retire(b, r) {
			o.live++
		}
		b.frame(s.format, &b.removals, &frame{kind: kindRemove, version: s.nextVersion(), key: r.Key})
	}
	o.after, o.more = last, len(page) == cap(page)
	b.durable = true
	b.removals.ops = append(b.removals.ops, o)
}

// retire prepares the removal of r, and reports whether it lives. One that has
// expired is removed at once: held, it would come back.
func (s *Store) retire(b *batch, r *records.Record) bool {
	if r.Expired(b.now) {
		s.set.Remove(r)
		return false
	}
	b.count--
	b.bytes -= r.Cost()
	s.set.Hold(r)
	return true
}

// add adds o to a part of the batch.
func (s *Store) add(b *batch, p *part, o *op) {
	o.version = s.nextVersion()
	b.frame(s.format, p, &frame{
		kind: o.kind, version: o.version, expires: records.Micros(o.record.Expires),
		key: o.key, owner: o.record.Owner, data: o.record.Data,
	})
	p.ops = append(p.ops, o)
}

func (b *batch) frame(f format, p *part, fr *frame) {
	p.buf = f.append(p.buf, fr)
	b.keys[fr.key] = struct{}{}
}

func (b *batch) has(k store.Key) bool {
	_, ok := b.keys[k]
	return ok
}

// wait leaves o to the next batch.
func (b *batch) wait(o *op) {
	o.state.Store(waiting)
	b.deferred = append(b.deferred, o)
}
