package memstore

import "fmt"

// Capacity returns for how many records s has memory.
func Capacity(s *Store) int {
	n := 0
	for i := range s.shards {
		n += cap(s.shards[i].slots)
	}
	return n
}

// Check returns an error if the parts of a shard do not fit together.
func Check(s *Store) error {
	for n := range s.shards {
		sh := &s.shards[n]
		if len(sh.slots)-1 != len(sh.ownerless)+len(sh.owned) {
			return fmt.Errorf("shard %d: %d slots, %d and %d in the heaps",
				n, len(sh.slots)-1, len(sh.ownerless), len(sh.owned))
		}
		for i := 1; i < len(sh.slots); i++ {
			e, h := &sh.slots[i], *sh.heap(uint32(i))
			if sh.find(e.key) != uint32(i) {
				return fmt.Errorf("shard %d: slot %d is not found", n, i)
			}
			if h[e.place] != uint32(i) {
				return fmt.Errorf("shard %d: slot %d is not in its place in the heap", n, i)
			}
			if p := e.place; p > 0 && sh.slots[h[(p-1)/4]].expires > e.expires {
				return fmt.Errorf("shard %d: the heap is not in order at %d", n, p)
			}
		}
	}
	return nil
}
