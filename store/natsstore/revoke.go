package natsstore

import (
	"context"
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
	owned := func(st state, err error) bool { return err == nil && st.record.Owner == owner }
	var live atomic.Int64
	errs := make([]error, len(keys))
	each(len(keys), func(i int) {
		var did bool
		if did, errs[i] = s.remove(ctx, keys[i], owned); did {
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
