package dirstore

import (
	"context"

	"github.com/sesame-go/sesame/store"
)

// Rotate implements [store.Rotator]. It is durable.
//
// It takes two renames. The first puts a file in from's place that holds both
// records, each for its own key; asked for from, it is what it was before. The
// second moves that file to its new name, in one step: from is gone and to is
// there. So there is no moment, and no crash of the process, at which both are
// alive or neither is. The power may fail at any time too if the file system
// keeps a journal, as all common ones do.
//
// The old record stays within the file, where nothing finds it, until the
// session is saved or touched for the first time.
func (s *Store) Rotate(ctx context.Context, from, to store.Key, r store.Record) (uint64, error) {
	if err := check(ctx, r); err != nil {
		return 0, err
	}
	numbers := []int{keyLock(from), keyLock(to)}
	if r.Owner != "" {
		// DeleteOwned holds this lock, lest the session slip away to a key
		// that it does not know of.
		numbers = append(numbers, ownerLock(r.Owner))
	}
	unlock, err := s.lock(ctx, numbers...)
	if err != nil {
		return 0, err
	}
	defer unlock()

	old, err := s.read(from)
	if err != nil {
		return 0, err
	}
	taken, err := s.read(to)
	if err != nil {
		return 0, err
	}
	now := clock()
	if !old.alive(now) || old.Version != r.Version || taken.alive(now) {
		return 0, store.ErrConflict
	}
	r.Version = newVersion(old.Version)
	if micros(r.Expires) <= now {
		return r.Version, s.remove(from, old.Owner, true)
	}
	if r.Owner != "" {
		if err := s.mark(r.Owner, to); err != nil {
			return 0, err
		}
	}
	if err := s.write(from, encode(face{from, old.Record}, face{to, r}), true); err != nil {
		return 0, err
	}
	if err := s.root.Rename(fileName(from), fileName(to)); err != nil {
		return 0, failed(err)
	}
	for _, k := range []store.Key{from, to} {
		if err := s.syncDir(fanDir(k)); err != nil {
			return 0, err
		}
	}
	s.unmark(old.Owner, from)
	if taken.Owner != r.Owner { // it had expired
		s.unmark(taken.Owner, to)
	}
	return r.Version, nil
}
