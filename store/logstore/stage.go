package logstore

import (
	"slices"

	"github.com/sesame-go/sesame/store"
)

// A batch is what is written at once. It changes each key once at most: an op
// on a key that the batch changes already waits for the next one, so that all
// are decided upon by what readers see. Their order is free, because nobody
// has been answered yet.
type batch struct {
	buf      []byte
	ops      []*op
	deferred []*op
	keys     map[store.Key]struct{} // that it changes
	created  int                    // records more than there are
	durable  bool                   // sync in all modes
	touched  []store.Key
	now      int64
}

// stage decides on ops. It answers those that change nothing and appends the
// frames of the others to the batch, after those of what was touched.
func (s *Store) stage(ops []*op) *batch {
	x := s.index
	x.mu.Lock()
	defer x.mu.Unlock()
	b := &batch{buf: s.buf[:0], keys: make(map[store.Key]struct{}), now: clock()}
	b.touched, x.touched = x.touched, nil
	for _, k := range b.touched {
		i := x.find(k)
		if i == 0 || !x.at(i).touched {
			continue
		}
		e := x.at(i)
		e.touched = false
		b.buf = s.format.append(b.buf, &frame{kind: kindTouch, version: e.version, expires: e.expires, key: k})
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
		case kindRotate:
			s.stageRotate(b, o)
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
	x := s.index
	i := x.live(o.key, b.now)
	if i == 0 && o.expected != 0 || i != 0 && x.at(i).version != o.expected {
		o.answer(store.ErrConflict)
		return
	}
	if i == 0 {
		x.removeKey(o.key) // it has expired
		if o.expires <= b.now {
			o.version = s.nextVersion()
			o.answer(nil)
			return
		}
		if !s.room(b) {
			// What the batch changes may go, or be gone, once it is written.
			// Each batch settles at least the first of its ops and new ones
			// come last, so that o will find an empty one.
			if len(b.keys) > 0 {
				b.wait(o)
				return
			}
			o.answer(store.ErrFull)
			return
		}
		b.created++
	} else {
		x.hold(i)
	}
	s.add(b, o, o.frame())
}

func (s *Store) stageRotate(b *batch, o *op) {
	if b.has(o.from) || b.has(o.key) {
		b.wait(o)
		return
	}
	x := s.index
	i := x.live(o.from, b.now)
	if i == 0 || x.at(i).version != o.expected || x.live(o.key, b.now) != 0 {
		o.answer(store.ErrConflict)
		return
	}
	x.removeKey(o.key) // it has expired
	x.hold(x.find(o.from))
	b.keys[o.from] = struct{}{}
	b.durable = true
	s.add(b, o, o.frame())
}

func (s *Store) stageRemove(b *batch, o *op) {
	if b.has(o.key) {
		b.wait(o)
		return
	}
	b.durable = true
	if s.index.find(o.key) == 0 {
		b.ops = append(b.ops, o) // what removed it may not be durable yet
		return
	}
	s.retire(o.key, b.now)
	s.add(b, o, o.frame())
}

// stageRemoveOwned waits for what the batch does to owner's records, so that
// it finds them wherever they are then.
func (s *Store) stageRemoveOwned(b *batch, o *op) {
	o.removed, o.count = o.removed[:0], 0
	if owner := s.index.owners[o.owner]; owner != nil {
		for _, k := range owner.keys {
			if slices.Contains(o.keep, k) {
				continue
			}
			if b.has(k) {
				b.wait(o)
				return
			}
			o.removed = append(o.removed, k)
		}
	}
	for _, k := range o.removed {
		if s.retire(k, b.now) {
			o.count++
		}
		b.frame(s.format, &frame{kind: kindRemove, version: s.nextVersion(), key: k})
	}
	b.durable = true
	b.ops = append(b.ops, o)
}

// retire prepares the removal of the record under k, and reports whether it
// lives. One that has expired is removed at once: held, it would come back.
func (s *Store) retire(k store.Key, now int64) bool {
	i := s.index.find(k)
	if s.index.at(i).expired(now) {
		s.index.remove(i)
		return false
	}
	s.index.hold(i)
	return true
}

// room makes sure that one more record may be created. For each record that
// has to go it adds an op for which nobody waits. If there is no room, for now
// at least, nothing that lives goes: a file may have had more records than the
// bound, and then one does not help.
func (s *Store) room(b *batch) bool {
	x := s.index
	for x.len()+b.created >= s.max {
		i := x.firstExpired(b.now)
		if i == 0 {
			break
		}
		x.remove(i)
	}
	excess := x.len() + b.created + 1 - s.max
	if excess > len(x.ownerless) { // which has none of the batch, they are held
		return false
	}
	for range excess {
		i := x.ownerless.top()
		x.hold(i)
		b.created--
		o := &op{kind: kindRemove, key: x.at(i).key}
		s.add(b, o, o.frame())
	}
	return true
}

// add adds o, which fr describes, to the batch.
func (s *Store) add(b *batch, o *op, fr frame) {
	o.version = s.nextVersion()
	fr.version = o.version
	b.frame(s.format, &fr)
	b.ops = append(b.ops, o)
}

func (s *Store) nextVersion() uint64 {
	s.version++
	return s.version
}

func (b *batch) frame(f format, fr *frame) {
	b.buf = f.append(b.buf, fr)
	b.keys[fr.key] = struct{}{}
}

func (b *batch) has(k store.Key) bool {
	_, ok := b.keys[k]
	return ok
}

// wait puts o off until the next batch.
func (b *batch) wait(o *op) {
	o.state.Store(waiting)
	b.deferred = append(b.deferred, o)
}

func (o *op) frame() frame {
	return frame{
		kind: o.kind, version: o.version, expires: o.expires,
		key: o.key, from: o.from, owner: o.owner, data: o.data,
	}
}

// apply shows the batch to readers and answers, or takes it back if it could
// not be written.
func (s *Store) apply(b *batch, err error) {
	s.applyIndex(b, err)
	for _, o := range b.ops {
		o.answer(err)
	}
	if s.buf = b.buf[:0]; cap(s.buf) > maxKeptBuffer {
		s.buf = nil
	}
}

// maxKeptBuffer is up to which size the memory of a batch is used again.
const maxKeptBuffer = 1 << 20

func (s *Store) applyIndex(b *batch, err error) {
	x := s.index
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil {
		for k := range b.keys {
			if i := x.find(k); i != 0 {
				x.release(i)
			}
		}
		for _, k := range b.touched {
			if i := x.find(k); i != 0 && !x.at(i).touched {
				x.at(i).touched = true
				x.touched = append(x.touched, k)
			}
		}
		return
	}
	for _, o := range b.ops {
		switch o.kind {
		case kindRemove:
			x.removeKey(o.key)
		case kindRemoveOwned:
			for _, k := range o.removed {
				x.removeKey(k)
			}
		case kindRotate:
			x.removeKey(o.from)
			fallthrough
		case kindPut:
			if o.expires <= b.now {
				x.removeKey(o.key)
				continue
			}
			fr := o.frame()
			x.put(&fr)
		}
	}
}
