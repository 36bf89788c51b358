package redisstore

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/sesame-go/sesame/store"
)

// DeleteOwned implements [store.OwnerIndex]. Sessions that have expired are
// left to the server.
//
// While it works, the manager may renew some of the sessions, in its steps:
// load the old one, enter the new one into the index, create it, mark the old
// one as moved. So a pass, which lists the index and tries to delete what is
// there, may come too early for the new one and too late for the old one. The
// last pass therefore tries twice, finds nothing to delete in either, and
// nothing in the index that was not there when the pass began. If a session
// escaped it nevertheless:
//
//   - Let C be its key when the list was complete. C is in the list, for else
//     the next list would have shown it as new.
//   - The first try did not find C, so it had moved to some D before. D was in
//     the index by then, so it was in the list too, or else would have been
//     new; so the second try was for D as well, which existed by then.
//   - It did not find D either, so D had moved to some E before. E was entered
//     by somebody who had loaded D after C was marked, that is after the list
//     was complete. So E would have been new, and the pass not the last.
//
// The number that it returns counts a session that is being renewed as two.
func (s *Store) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	settled := make(map[store.Key]bool)
	for _, k := range keep {
		settled[k] = true
	}
	total := 0
	list, err := s.unsettled(ctx, owner, settled)
	for err == nil {
		var removed []store.Key
		for range 2 {
			if removed, err = s.removeOwned(ctx, owner, list); len(removed) > 0 || err != nil {
				break
			}
		}
		total += len(removed)
		for _, k := range removed {
			settled[k] = true // what is there later was not there when we were called
		}
		if err != nil {
			break
		}
		before := make(map[store.Key]bool, len(list))
		for _, k := range list {
			before[k] = true
		}
		list, err = s.unsettled(ctx, owner, settled)
		isNew := func(k store.Key) bool { return !before[k] }
		if err == nil && len(removed) == 0 && !slices.ContainsFunc(list, isNew) {
			break
		}
	}
	return total, failed(ctx, "delete owned", err)
}

// unsettled returns the keys in an owner's index, without the settled ones.
func (s *Store) unsettled(ctx context.Context, owner string, settled map[store.Key]bool) ([]store.Key, error) {
	var keys []store.Key
	for k, err := range s.owned(ctx, owner) {
		if err != nil {
			return nil, err
		}
		if !settled[k] {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// removeOwned deletes those of some sessions that are live and the owner's,
// and returns their keys, also if it fails in the midst of it.
func (s *Store) removeOwned(ctx context.Context, owner string, keys []store.Key) ([]store.Key, error) {
	var mu sync.Mutex
	var removed []store.Key
	err := parallel(ctx, len(keys), func(ctx context.Context, i int) error {
		status, _, err := s.run(ctx, removeOwned, s.key(keys[i]), nonce(), owner, decimal(s.now().UnixMilli()))
		if errors.Is(err, store.ErrCorrupt) {
			return nil // no session, so not the owner's
		}
		if status == done {
			mu.Lock()
			removed = append(removed, keys[i])
			mu.Unlock()
		}
		return err
	})
	return removed, err
}
