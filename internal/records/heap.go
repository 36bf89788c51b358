package records

import "slices"

// A heap orders its nodes by rank, the lowest on top. Four children for each
// take half the steps of two. The ranks are kept beside the nodes, so that a
// step reads one line of the processor's cache, and each node knows its place,
// so that a change costs no search.
type heap[T node] []ranked[T]

type ranked[T node] struct {
	rank int64
	node T
}

type node interface {
	comparable
	rank() int64
	setPlace(int32)
}

// top returns the first node, or nil if there is none.
func (h heap[T]) top() (first T) {
	if len(h) > 0 {
		first = h[0].node
	}
	return first
}

func (h *heap[T]) push(n T) {
	*h = append(*h, ranked[T]{})
	h.up(int32(len(*h)-1), ranked[T]{n.rank(), n})
}

// remove takes out the node at place p.
func (h *heap[T]) remove(p int32) {
	last := int32(len(*h) - 1)
	moved := (*h)[last]
	(*h)[last] = ranked[T]{}
	*h = (*h)[:last]
	if p != last {
		h.put(p, moved)
	}
	if cap(*h) > 1024 && len(*h) < cap(*h)/8 {
		*h = slices.Clone(*h)
	}
}

// fix restores the order after the rank of the node at place p has changed.
func (h heap[T]) fix(p int32) {
	n := h[p].node
	if rank := n.rank(); rank != h[p].rank {
		h.put(p, ranked[T]{rank, n})
	}
}

// put moves n to its place, beginning at the free place p.
func (h heap[T]) put(p int32, n ranked[T]) {
	if p > 0 && n.rank < h[(p-1)/4].rank {
		h.up(p, n)
	} else {
		h.down(p, n)
	}
}

func (h heap[T]) up(p int32, n ranked[T]) {
	for p > 0 {
		parent := (p - 1) / 4
		if n.rank >= h[parent].rank {
			break
		}
		h.set(p, h[parent])
		p = parent
	}
	h.set(p, n)
}

func (h heap[T]) down(p int32, n ranked[T]) {
	for {
		child := 4*p + 1
		if child >= int32(len(h)) {
			break
		}
		for c := child + 1; c < min(4*p+5, int32(len(h))); c++ {
			if h[c].rank < h[child].rank {
				child = c
			}
		}
		if h[child].rank >= n.rank {
			break
		}
		h.set(p, h[child])
		p = child
	}
	h.set(p, n)
}

func (h heap[T]) set(p int32, n ranked[T]) {
	h[p] = n
	n.node.setPlace(p)
}
