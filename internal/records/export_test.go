package records

import "fmt"

// Check returns an error if the parts of a set do not fit together. No record
// may be held.
func Check(s *Set) error {
	var bytes int64
	members := make(map[*owner]int)
	for k, r := range s.records.m {
		if r.Key != k {
			return fmt.Errorf("%v lies under %v", r.Key, k)
		}
		if h := *s.heap(r); r.place < 0 || int(r.place) >= len(h) || h[r.place].node != r {
			return fmt.Errorf("%v is not in its place in the heap", k)
		}
		if r.owner != nil {
			if m := r.owner.members[r.owner.find(r.position):]; len(m) == 0 || m[0].r != r {
				return fmt.Errorf("%v is not among the records of %q", k, r.owner.name)
			}
			members[r.owner]++
		}
		bytes += r.Cost()
	}
	if bytes != s.bytes {
		return fmt.Errorf("%d bytes, counted %d", s.bytes, bytes)
	}
	if n := len(s.ownerless) + len(s.owned); n != s.Len() {
		return fmt.Errorf("%d records, %d in the heaps", s.Len(), n)
	}
	if len(members) != len(s.owners.m) || len(members) != len(s.crowds) {
		return fmt.Errorf("%d owners, %d in the index and %d in the heap", len(members), len(s.owners.m), len(s.crowds))
	}
	for o, n := range members {
		if s.owners.m[o.name] != o || o.count != n || o.free != n || len(o.members) > 2*n+1 {
			return fmt.Errorf("owner %q has %d records, counted %d, in a list of %d", o.name, n, o.count, len(o.members))
		}
		for i := range o.members[1:] {
			if o.members[i].position >= o.members[i+1].position {
				return fmt.Errorf("owner %q: position %d is not in order", o.name, i+1)
			}
		}
	}
	for _, h := range []heap[*Record]{s.ownerless, s.owned} {
		if err := ordered(h, func(r *Record) int32 { return r.place }); err != nil {
			return err
		}
	}
	return ordered(s.crowds, func(o *owner) int32 { return o.place })
}

func ordered[T node](h heap[T], place func(T) int32) error {
	for p, n := range h {
		if place(n.node) != int32(p) {
			return fmt.Errorf("node %d of a heap believes to be %d", p, place(n.node))
		}
		if n.rank != n.node.rank() {
			return fmt.Errorf("the rank of node %d of a heap is out of date", p)
		}
		if p > 0 && n.rank < h[(p-1)/4].rank {
			return fmt.Errorf("a heap is not in order at %d", p)
		}
	}
	return nil
}

// Capacity returns for how many records the set has memory.
func Capacity(s *Set) int {
	return max(s.records.most, s.owners.most, cap(s.ownerless), cap(s.owned), cap(s.crowds))
}
