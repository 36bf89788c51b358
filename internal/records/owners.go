package records

import (
	"slices"
	"sort"
	"strings"
)

// An owner has one record at least. Its name is immutable; records share it.
type owner struct {
	name    string
	members []member // by their positions, with gaps
	count   int      // members that are no gaps
	free    int      // those of them that are not held
	first   int      // no member before it is free
	place   int32    // in Set.crowds
}

// A member is a record of an owner. Its position is higher than that of all
// records that became the owner's, or were renewed, before it. Records that
// leave become gaps, which are closed when half of the members are gaps, so
// that leaving costs the same among many as among few.
type member struct {
	position uint64
	r        *Record // nil for a gap
}

// OwnedBy appends records of the named owner to page until it is full or there
// are no more: the oldest first, beginning after the given position, 0 for the
// first. It returns the position of the last.
func (s *Set) OwnedBy(name string, after uint64, page []*Record) ([]*Record, uint64) {
	o := s.owners.m[name]
	if o == nil {
		return page, after
	}
	for _, m := range o.members[o.find(after+1):] {
		if len(page) == cap(page) {
			break
		}
		if m.r != nil {
			page = append(page, m.r)
			after = m.position
		}
	}
	return page, after
}

// find returns the number of the first member from a position on.
func (o *owner) find(position uint64) int {
	return sort.Search(len(o.members), func(i int) bool { return o.members[i].position >= position })
}

// oldest returns the oldest member that is free, or nil.
func (o *owner) oldest() *Record {
	for ; o.first < len(o.members); o.first++ {
		if r := o.members[o.first].r; r != nil && !r.Held() {
			return r
		}
	}
	return nil
}

// join makes r, which is held and has no owner, the youngest of the named
// owner's.
func (s *Set) join(r *Record, name string) {
	if name == "" {
		return
	}
	o := s.owners.m[name]
	if o == nil {
		o = &owner{name: strings.Clone(name)}
		s.owners.set(o.name, o)
		s.crowds.push(o)
	}
	r.owner = o
	s.append(o, r)
}

// leave takes r, which is held, from its owner.
func (s *Set) leave(r *Record) {
	o := r.owner
	if o == nil {
		return
	}
	r.owner = nil
	o.remove(r)
	if o.count == 0 {
		s.crowds.remove(o.place)
		s.owners.delete(o.name)
	}
}

// rejuvenate makes r the youngest of its owner's, if it has one.
func (s *Set) rejuvenate(r *Record) {
	if r.owner != nil {
		r.owner.remove(r)
		s.append(r.owner, r)
	}
}

func (s *Set) append(o *owner, r *Record) {
	s.joined++
	r.position = s.joined
	o.members = append(o.members, member{r.position, r})
	o.count++
}

func (o *owner) remove(r *Record) {
	o.members[o.find(r.position)].r = nil
	o.count--
	if len(o.members) <= 2*o.count+1 {
		return
	}
	o.members = slices.DeleteFunc(o.members, func(m member) bool { return m.r == nil })
	if len(o.members) < cap(o.members)/4 {
		o.members = slices.Clone(o.members)
	}
	o.first = 0
}

func (o *owner) rank() int64 { return -int64(o.free) }

func (o *owner) setPlace(p int32) { o.place = p }
