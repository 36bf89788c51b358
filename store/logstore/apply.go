package logstore

import (
	"github.com/sesame-go/sesame/internal/records"
	"github.com/sesame-go/sesame/store"
)

// apply makes a part of the batch visible to readers and watchers and answers its
// callers, or takes it back if it could not be written.
func (s *Store) apply(b *batch, p *part, err error) {
	if err != nil {
		s.takeBack(b, p)
	} else {
		s.show(b, p)
	}
	for _, o := range p.ops {
		o.answer(err)
	}
}

func (s *Store) show(b *batch, p *part) {
	var ended []store.Key // or renewed
	remove := func(keys ...store.Key) {
		for _, k := range keys {
			if r := s.set.Find(k); r != nil {
				s.set.Remove(r)
				ended = append(ended, k)
			}
		}
	}
	s.set.Lock()
	for _, o := range p.ops {
		switch o.kind {
		case kindPut:
			r := o.record
			if records.Micros(r.Expires) <= b.now {
				remove(o.key)
				continue
			}
			r.Version = o.version
			s.set.Put(o.key, r)
			if r.Durable {
				ended = append(ended, o.key)
			}
		case kindRemove:
			remove(o.key)
		case kindRemoveOwned:
			remove(o.removed...)
		}
	}
	s.set.Unlock()
	s.watchers.Tell(ended...)
}

// takeBack releases what the part would have changed, and has what was touched
// written another time.
func (s *Store) takeBack(b *batch, p *part) {
	s.set.Lock()
	defer s.set.Unlock()
	release := func(k store.Key) {
		if r := s.set.Find(k); r != nil {
			s.set.Release(r)
		}
	}
	for _, o := range p.ops {
		if o.kind != kindRemoveOwned {
			release(o.key)
		}
		for _, k := range o.removed {
			release(k)
		}
	}
	if p != &b.saves {
		return
	}
	for _, k := range b.touched {
		if r := s.set.Find(k); r != nil && !r.Touched {
			r.Touched = true
			s.touched = append(s.touched, k)
		}
	}
}
