package memstore

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

func (h *heap) push(slots []slot, i uint32) {
	*h = append(*h, i)
	h.up(slots, uint32(len(*h)-1))
}

// remove takes out the slot at place p.
func (h *heap) remove(slots []slot, p uint32) {
	last := uint32(len(*h) - 1)
	moved := (*h)[last]
	*h = (*h)[:last]
	if p != last {
		h.set(slots, p, moved)
		h.fix(slots, p)
	}
}

// fix restores the order after the slot at place p has changed.
func (h heap) fix(slots []slot, p uint32) {
	i := h[p]
	h.up(slots, p)
	h.down(slots, slots[i].place)
}

func (h heap) up(slots []slot, p uint32) {
	i := h[p]
	for p > 0 {
		parent := (p - 1) / 4
		if slots[h[parent]].expires <= slots[i].expires {
			break
		}
		h.set(slots, p, h[parent])
		p = parent
	}
	h.set(slots, p, i)
}

func (h heap) down(slots []slot, p uint32) {
	i := h[p]
	for {
		child := 4*p + 1
		if child >= uint32(len(h)) {
			break
		}
		for c := child + 1; c < min(4*p+5, uint32(len(h))); c++ {
			if slots[h[c]].expires < slots[h[child]].expires {
				child = c
			}
		}
		if slots[i].expires <= slots[h[child]].expires {
			break
		}
		h.set(slots, p, h[child])
		p = child
	}
	h.set(slots, p, i)
}

func (h heap) set(slots []slot, p, i uint32) {
	h[p] = i
	slots[i].place = p
}
