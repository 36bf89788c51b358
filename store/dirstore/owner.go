package dirstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"

	"github.com/sesame-go/sesame/store"
)

// Each owner has a directory, named after a hash of the owner's name, with an
// empty file for each session, the mark, named as the session's file is. A
// mark is durable before the session that it stands for exists and is removed
// after it, so that a crash can leave a mark too many and never one too few.
// Marks of a key change under the key's lock only.

func ownerHash(owner string) [sha256.Size]byte { return sha256.Sum256([]byte(owner)) }

func ownerDir(owner string) string {
	h := ownerHash(owner)
	return "own/" + hex.EncodeToString(h[:])
}

func markName(owner string, k store.Key) string {
	return ownerDir(owner) + "/" + hex.EncodeToString(k[:])
}

// mark puts k among owner's sessions, durably.
func (s *Store) mark(owner string, k store.Key) error {
	dir := ownerDir(owner)
	for range 1000 {
		if _, err := s.mkdir(dir); err != nil {
			return failed(err)
		}
		err := s.create(markName(owner, k), nil, false)
		if errors.Is(err, fs.ErrNotExist) {
			continue // somebody has just removed the directory, as it was empty
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return failed(err)
		}
		// Another may have made the directory and not synced it yet.
		return errors.Join(s.syncDir(dir), s.syncDir("own"))
	}
	return fmt.Errorf("dirstore: the directory %s does not stay", dir)
}

// unmark takes k from owner's sessions. A mark that cannot be removed does no
// harm, so that is no error.
func (s *Store) unmark(owner string, k store.Key) {
	if owner != "" && s.root.Remove(markName(owner, k)) == nil {
		_ = s.root.Remove(ownerDir(owner)) // which fails as long as others are there
	}
}

// owned returns the keys of the marks of owner.
func (s *Store) owned(owner string) ([]store.Key, error) {
	names, err := s.names(ownerDir(owner))
	keys := make([]store.Key, 0, len(names))
	for _, name := range names {
		if k, ok := parseName(name); ok {
			keys = append(keys, k)
		}
	}
	return keys, err
}

// Owned implements [store.OwnerIndex].
func (s *Store) Owned(ctx context.Context, owner string) iter.Seq2[store.Key, error] {
	return func(yield func(store.Key, error) bool) {
		err := ctx.Err()
		var keys []store.Key
		if err == nil && owner != "" {
			keys, err = s.owned(owner)
		}
		for _, k := range keys {
			if err = ctx.Err(); err != nil || !yield(k, nil) {
				break
			}
		}
		if err != nil {
			yield(store.Key{}, err)
		}
	}
}

// DeleteOwned implements [store.OwnerIndex]. Sessions that had expired are
// removed, but not counted. Whose a damaged file was cannot be told; it is left
// alone and reported, when all others have been removed.
func (s *Store) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	if err := ctx.Err(); err != nil || owner == "" {
		return 0, err
	}
	unlock, err := s.lock(ctx, ownerLock(owner))
	if err != nil {
		return 0, err
	}
	defer unlock()
	keys, err := s.owned(owner)
	if err != nil {
		return 0, err
	}
	removed, damaged := 0, error(nil)
	for _, k := range keys {
		if slices.Contains(keep, k) {
			continue
		}
		live, err := s.deleteIfOwned(ctx, owner, k)
		switch {
		case errors.Is(err, ErrDamaged):
			damaged = errors.Join(damaged, err)
		case err != nil:
			return removed, errors.Join(err, damaged)
		case live:
			removed++
		}
	}
	return removed, damaged
}

// deleteIfOwned removes the session under k if it is owner's, and otherwise the
// mark, and reports whether it removed a live one.
func (s *Store) deleteIfOwned(ctx context.Context, owner string, k store.Key) (live bool, err error) {
	unlock, err := s.lock(ctx, keyLock(k))
	if err != nil {
		return false, err
	}
	defer unlock()
	r, err := s.read(k)
	if err != nil {
		return false, err
	}
	if r.exists() && r.Owner != owner {
		s.unmark(owner, k)
		return false, nil
	}
	live = r.alive(clock())
	return live, s.remove(k, owner, true)
}
