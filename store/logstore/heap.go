package logstore

// A heap orders slots by their expiry, the nearest first. It is 4-ary, which
// takes half the steps of a binary one, and each slot knows its place in it,
// so that a changed expiry costs no search.
type heap []uint32

// top returns the slot nearest to its expiry, or 0 if there is none.
func (h heap) top() uint32 {
	if len(h) == 0 {
		return 0
	}
	return h[0]
}

func (h *heap) push(x *index, i uint32) {
	*h = append(*h, i)
	h.up(x, uint32(len(*h)-1))
}

// remove takes out the slot at place p.
func (h *heap) remove(x *index, p uint32) {
	last := uint32(len(*h) - 1)
	moved := (*h)[last]
	*h = (*h)[:last]
	if p != last {
		h.set(x, p, moved)
		h.fix(x, p)
	}
}

// fix restores the order after the slot at place p has changed.
func (h heap) fix(x *index, p uint32) {
	i := h[p]
	h.up(x, p)
	h.down(x, x.at(i).place)
}

func (h heap) up(x *index, p uint32) {
	i := h[p]
	for p > 0 {
		parent := (p - 1) / 4
		if x.at(h[parent]).expires <= x.at(i).expires {
			break
		}
		h.set(x, p, h[parent])
		p = parent
	}
	h.set(x, p, i)
}

func (h heap) down(x *index, p uint32) {
	i := h[p]
	for {
		child := 4*p + 1
		if child >= uint32(len(h)) {
			break
		}
		for c := child + 1; c < min(4*p+5, uint32(len(h))); c++ {
			if x.at(h[c]).expires < x.at(h[child]).expires {
				child = c
			}
		}
		if x.at(i).expires <= x.at(h[child]).expires {
			break
		}
		h.set(x, p, h[child])
		p = child
	}
	h.set(x, p, i)
}

func (h heap) set(x *index, p, i uint32) {
	h[p] = i
	x.at(i).place = p
}
