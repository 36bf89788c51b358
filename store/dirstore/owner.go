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

func ownerDir(owner string) string {
	h := sha256.Sum256([]byte(owner))
	return "own/" + hex.EncodeToString(h[:])
}

func markName(owner string, k store.Key) string {
	return ownerDir(owner) + "/" + hex.EncodeToString(k[:])
}

// mark puts k among owner's sessions, durably.
func (d *directory) mark(owner string, k store.Key) error {
	dir := ownerDir(owner)
	for range 1000 {
		if _, err := d.mkdir(dir); err != nil {
			return err
		}
		err := d.create(markName(owner, k), nil, false)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another call has just removed the directory, as it was empty
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return d.failed(err)
		}
		// Another call may have made the directory and not synced it yet.
		return errors.Join(d.syncDir(dir), d.syncDir("own"))
	}
	return fmt.Errorf("dirstore: the directory %s does not stay", d.file(dir))
}

// unmark takes k from owner's sessions. A mark that cannot be removed does no
// harm, so that is no error.
func (d *directory) unmark(owner string, k store.Key) {
	if owner != "" && d.root.Remove(markName(owner, k)) == nil {
		_ = d.root.Remove(ownerDir(owner)) // which fails as long as others are there
	}
}

// Owned implements [store.OwnerIndex]. It opens a file when its session is asked
// for. Damaged files are skipped and reported, see [Store].
func (s *Store) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		w := s.walk(ctx)
		for k := range w.marks(owner) {
			r, err := w.dir.load(k)
			if w.skips(err) || r.Owner != owner {
				continue
			}
			if !yield(store.Entry{Key: k, Record: r}, nil) {
				return
			}
		}
		if w.err != nil {
			yield(store.Entry{}, w.err)
		}
	}
}

// DeleteOwned implements [store.OwnerIndex]. The deletions are durable. Damaged
// files are skipped and reported, see [Store]: whose they were is not known, and
// they are not served. Any other error does not keep it from removing the rest.
func (s *Store) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	w := s.walk(ctx)
	removed := 0
	for k := range w.marks(owner) {
		if slices.Contains(keep, k) {
			continue
		}
		live, err := s.deleteIfOwned(ctx, owner, k)
		if !w.skips(err) && live {
			removed++
		}
	}
	return removed, w.err
}

// deleteIfOwned removes the session under k if it is owner's, and otherwise the
// mark, and reports whether it removed a live one.
func (s *Store) deleteIfOwned(ctx context.Context, owner string, k store.Key) (live bool, err error) {
	err = s.locked(ctx, k, func(d *directory) error {
		r, err := d.read(k)
		if err != nil {
			return err
		}
		if r.exists() && r.Owner != owner {
			d.unmark(owner, k)
			return nil
		}
		live = r.alive(clock())
		return d.remove(k, owner, true)
	})
	return live, err
}
