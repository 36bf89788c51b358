package records

import "slices"

// A heap orders its nodes, the first on top. Four children for each take half
// the steps of two, and each node knows its place, so that a change costs no
// search.
type heap[T node[T]] []T

type node[T any] interface {
	before(T) bool
	setPlace(int32)
}

// top returns the first node, or nil if there is none.
func (h heap[T]) top() (first T) {
	if len(h) > 0 {
		first = h[0]
	}
	return first
}

func (h *heap[T]) push(n T) {
	*h = append(*h, n)
	h.up(int32(len(*h)-1), n)
}

// remove takes out the node at place p.
func (h *heap[T]) remove(p int32) {
	var none T
	last := int32(len(*h) - 1)
	moved := (*h)[last]
	(*h)[last] = none
	*h = (*h)[:last]
	if p != last {
		h.set(p, moved)
		h.fix(p)
	}
	if cap(*h) > 1024 && len(*h) < cap(*h)/8 {
		*h = slices.Clone(*h)
	}
}

// fix restores the order after the node at place p has changed.
func (h heap[T]) fix(p int32) {
	n := h[p]
	if p > 0 && n.before(h[(p-1)/4]) {
		h.up(p, n)
	} else {
		h.down(p, n)
	}
}

func (h heap[T]) up(p int32, n T) {
	for p > 0 {
		parent := (p - 1) / 4
		if !n.before(h[parent]) {
			break
		}
		h.set(p, h[parent])
		p = parent
	}
	h.set(p, n)
}

func (h heap[T]) down(p int32, n T) {
	for {
		child := 4*p + 1
		if child >= int32(len(h)) {
			break
		}
		for c := child + 1; c < min(4*p+5, int32(len(h))); c++ {
			if h[c].before(h[child]) {
				child = c
			}
		}
		if !h[child].before(n) {
			break
		}
		h.set(p, h[child])
		p = child
	}
	h.set(p, n)
}

func (h heap[T]) set(p int32, n T) {
	h[p] = n
	n.setPlace(p)
}
