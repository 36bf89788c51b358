package natsstore

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/sesame-go/sesame/store"
)

// DeleteOwned implements [store.OwnerIndex]. It takes two round trips for each
// session, 64 sessions at a time, and more for one that is being saved at this
// moment. Sessions that cannot be read are left alone, since their owner is
// not known; no Load returns them.
func (s *Store) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	keys, err := s.listed(ctx, owner)
	if err != nil {
		return 0, s.failed(ctx, "delete owned", err)
	}
	keys = slices.DeleteFunc(keys, func(k store.Key) bool { return slices.Contains(keep, k) })
	var live atomic.Int64
	errs := make([]error, len(keys))
	each(len(keys), func(i int) {
		var did bool
		if did, errs[i] = s.deleteIfOwned(ctx, owner, keys[i]); did {
			live.Add(1)
		}
	})
	for _, err := range errs {
		if err != nil {
			return int(live.Load()), s.failed(ctx, "delete owned", err)
		}
	}
	return int(live.Load()), nil
}

// deleteIfOwned removes a session if it is owner's, and reports whether it did
// and the session was live. A save that comes in between makes it look again,
// since it may have given the session to another owner.
func (s *Store) deleteIfOwned(ctx context.Context, owner string, k store.Key) (live bool, err error) {
	for range attempts {
		st, err := s.look(ctx, k)
		if errors.Is(err, store.ErrCorrupt) {
			return false, nil
		}
		if err != nil || st.record.Owner != owner {
			return false, err
		}
		_, err = s.publish(ctx, s.mark(k), markTTL, st.seq)
		if !errors.Is(err, errStale) {
			return st.live && err == nil, err
		}
		s.ask(k, true)
	}
	return false, errBusy
}
