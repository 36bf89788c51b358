package dirstore

import (
	"context"
	"errors"
	"iter"

	"github.com/sesame-go/sesame/store"
)

// All implements [store.Lister]. It reads one of the 16 directories at a time
// and opens a file when its session is asked for. Damaged files do not end
// the walk: the errors that wrap [ErrDamaged] are yielded last, as one.
func (s *Store) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		var damaged error
		for i := range fanCount {
			for k, err := range s.keys(ctx, i) {
				var r store.Record
				if err == nil {
					r, err = s.Load(ctx, k)
				}
				switch {
				case errors.Is(err, store.ErrNotFound):
				case errors.Is(err, ErrDamaged):
					damaged = errors.Join(damaged, err)
				case err != nil:
					yield(store.Entry{}, errors.Join(err, damaged))
					return
				case !yield(store.Entry{Key: k, Record: r}, nil):
					return
				}
			}
		}
		if damaged != nil {
			yield(store.Entry{}, damaged)
		}
	}
}

// keys yields the keys of the files in a directory.
func (s *Store) keys(ctx context.Context, dir int) iter.Seq2[store.Key, error] {
	return func(yield func(store.Key, error) bool) {
		err := ctx.Err()
		var names []string
		if err == nil {
			names, err = s.names(fanDirAt(dir))
		}
		for _, name := range names {
			if k, ok := parseName(name); ok && !yield(k, nil) {
				return
			}
		}
		if err != nil {
			yield(store.Key{}, err)
		}
	}
}

// Sweep implements [store.Sweeper]. It goes on where the last one ended, and
// ends after limit sessions or after all directories, reading every file on
// its way. It also removes the temporary files of processes that were killed,
// once they are an hour old; these do not count. Damaged files stay.
func (s *Store) Sweep(ctx context.Context, limit int) (int, error) {
	if err := ctx.Err(); err != nil || limit <= 0 {
		return 0, err
	}
	if err := s.removeOrphans(); err != nil {
		return 0, err
	}
	removed, start := 0, int(s.cursor.Load())
	for i := range fanCount {
		dir := (start + i) % fanCount
		for k, err := range s.keys(ctx, dir) {
			gone := false
			if err == nil {
				gone, err = s.removeExpired(ctx, k)
			}
			if err != nil {
				return removed, err
			}
			if gone {
				removed++
			}
			if removed == limit {
				s.cursor.Store(uint32(dir))
				return removed, nil
			}
		}
	}
	return removed, nil
}

// removeExpired removes the session under k if it has expired. Only then it
// takes the lock, and judges anew. The deletion need not be durable: a file
// that came back would have expired all the same.
func (s *Store) removeExpired(ctx context.Context, k store.Key) (bool, error) {
	if _, err := s.Load(ctx, k); !errors.Is(err, store.ErrExpired) {
		return false, unlessGone(err)
	}
	unlock, err := s.lock(ctx, keyLock(k))
	if err != nil {
		return false, err
	}
	defer unlock()
	r, err := s.read(k)
	if err != nil || !r.exists() || r.alive(clock()) {
		return false, unlessGone(err)
	}
	return true, s.remove(k, r.Owner, false)
}

// unlessGone drops the errors that are no reason to end a sweep.
func unlessGone(err error) error {
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, ErrDamaged) {
		return nil
	}
	return err
}
