package natsstore

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/sesame-go/sesame/store"
)

// DeleteOwned implements [store.OwnerIndex]. It takes three round trips for
// each session, sixteen at a time.
//
// NATS removes nothing by owner, so sessions can move while they are being
// removed one by one: the manager renews one by creating the new one, with its
// entry in the index, before it replaces the old one. DeleteOwned therefore
// walks until two walks in a row have found the same keys with the same last
// messages and nothing alive. Then there was a moment, between the two, in
// which all of that held at once and the owner had no session at all; a session
// that had moved on would have been found.
func (s *Store) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	spared := make(map[store.Key]bool, len(keep))
	for _, k := range keep {
		spared[k] = true
	}
	total := 0
	var before map[store.Key]uint64
	for range attempts {
		after, n, err := s.revoke(ctx, owner, spared)
		total += n
		if err != nil {
			return total, s.failed(ctx, "delete owned", err)
		}
		if len(after) == 0 || before != nil && maps.Equal(before, after) {
			return total, nil
		}
		before = after
	}
	return total, s.failed(ctx, "delete owned", errBusy)
}

// revoke removes the sessions that the index has for owner. It returns the
// last message of each key afterwards, and how many it removed.
func (s *Store) revoke(ctx context.Context, owner string, spared map[store.Key]bool) (map[store.Key]uint64, int, error) {
	keys, err := s.listed(ctx, owner)
	if err != nil {
		return nil, 0, err
	}
	work := make(chan store.Key)
	var mu sync.Mutex // over what follows
	var errs []error
	removed := 0
	after := make(map[store.Key]uint64, len(keys))
	var wg sync.WaitGroup
	for range min(len(keys), 16) {
		wg.Go(func() {
			for k := range work {
				seq, did, err := s.revokeOne(ctx, owner, k)
				mu.Lock()
				after[k] = seq
				if did {
					removed++
				}
				if err != nil {
					errs = append(errs, err)
				}
				mu.Unlock()
			}
		})
	}
	for _, k := range keys {
		if !spared[k] {
			work <- k
		}
	}
	close(work)
	wg.Wait()
	if len(errs) > 0 {
		return nil, removed, errs[0]
	}
	return after, removed, nil
}

// revokeOne removes a session if it lives and is owner's. It returns the
// sequence of the key's last message.
func (s *Store) revokeOne(ctx context.Context, owner string, k store.Key) (seq uint64, removed bool, err error) {
	for range attempts {
		st, err := s.look(ctx, k)
		if errors.Is(err, store.ErrCorrupt) {
			return st.seq, false, nil // nobody can load it
		}
		if err != nil || !st.live || st.record.Owner != owner {
			return st.seq, false, err
		}
		seq, err := s.publish(ctx, s.mark(k), markTTL, st.seq)
		if !errors.Is(err, errStale) {
			return seq, err == nil, err
		}
	}
	return 0, false, errBusy
}
