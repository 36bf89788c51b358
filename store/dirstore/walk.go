package dirstore

import (
	"context"
	"encoding/hex"
	"errors"
	"iter"

	"github.com/sesame-go/sesame/store"
)

// A walk goes through many sessions. It continues after one that it cannot read.
type walk struct {
	store *Store
	ctx   context.Context
	dir   *directory // nil if there is none
	err   error      // the first that the caller has to be told
}

func (s *Store) walk(ctx context.Context) *walk {
	w := &walk{store: s, ctx: ctx}
	if w.err = ctx.Err(); w.err == nil {
		w.dir, w.err = s.current()
	}
	return w
}

// sessions yields the keys of the files in the i-th directory.
func (w *walk) sessions(i int) iter.Seq[store.Key] { return w.keys(fanDirAt(i), fileName) }

// marks yields the keys of an owner's marks.
func (w *walk) marks(owner string) iter.Seq[store.Key] {
	if owner == "" {
		return func(func(store.Key) bool) {}
	}
	return w.keys(ownerDir(owner), func(k store.Key) string { return markName(owner, k) })
}

// keys yields the keys of the files in dir, in which k's is called name(k).
func (w *walk) keys(dir string, name func(k store.Key) string) iter.Seq[store.Key] {
	return func(yield func(store.Key) bool) {
		if w.dir == nil || w.ended() {
			return
		}
		names, err := w.dir.names(dir)
		if w.skips(err) {
			return
		}
		for _, base := range names {
			if w.ended() {
				return
			}
			b, err := hex.DecodeString(base)
			if err != nil || len(b) != len(store.Key{}) || name(store.Key(b)) != dir+"/"+base {
				w.skips(w.dir.damaged(dir+"/"+base, errForeign))
				continue
			}
			if !yield(store.Key(b)) {
				return
			}
		}
	}
}

// ended reports whether the context is done.
func (w *walk) ended() bool {
	err := w.ctx.Err()
	if err != nil {
		w.err = err
	}
	return err != nil
}

// skips reports whether a session is left out because of err. A file that holds
// no readable session is reported once.
func (w *walk) skips(err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, store.ErrCorrupt):
		if _, again := w.store.reported.LoadOrStore(err.Error(), true); !again {
			w.store.log.WarnContext(w.ctx, "dirstore: skipped a file that holds no readable session", "error", err)
		}
	case !errors.Is(err, store.ErrNotFound) && w.err == nil:
		w.err = err
	}
	return true
}

// All implements [store.Lister]. It reads the names in one of 16 directories at
// a time and opens a file when its session is asked for. Damaged and foreign
// files are skipped and reported, see [Store].
func (s *Store) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		w := s.walk(ctx)
		for i := range fanCount {
			for k := range w.sessions(i) {
				r, err := w.dir.load(k)
				if !w.skips(err) && !yield(store.Entry{Key: k, Record: r}, nil) {
					return
				}
			}
		}
		if w.err != nil {
			yield(store.Entry{}, w.err)
		}
	}
}

// Count implements [store.Counter]. It opens each file and reads the first 46
// bytes, so that it counts a file that is damaged behind these.
func (s *Store) Count(ctx context.Context) (int, error) {
	w := s.walk(ctx)
	live := 0
	for i := range fanCount {
		for k := range w.sessions(i) {
			expires, err := w.dir.readExpires(k)
			if !w.skips(err) && expires > clock() {
				live++
			}
		}
	}
	if w.err != nil {
		return 0, w.err
	}
	return live, nil
}

// Sweep implements [store.Sweeper]. It goes on where the last one ended, and
// ends after limit sessions or after all directories, reading the head of each
// file on its way. It also removes the temporary files of processes that were
// killed, once they are an hour old; these do not count. Damaged files stay.
func (s *Store) Sweep(ctx context.Context, limit int) (int, error) {
	w := s.walk(ctx)
	if limit <= 0 || w.dir == nil {
		return 0, w.err
	}
	w.skips(w.dir.removeOrphans())
	removed, start := 0, int(s.cursor.Load())
	for i := range fanCount {
		dir := (start + i) % fanCount
		for k := range w.sessions(dir) {
			gone, err := s.removeExpired(ctx, w.dir, k)
			if w.skips(err) || !gone {
				continue
			}
			if removed++; removed == limit {
				s.cursor.Store(uint32(dir))
				return removed, w.err
			}
		}
	}
	return removed, w.err
}

// removeExpired removes the session under k if it has expired. Only if it seems
// so it takes the lock, and judges again. The deletion need not be durable: a
// file that comes back has still expired.
func (s *Store) removeExpired(ctx context.Context, d *directory, k store.Key) (gone bool, err error) {
	expires, err := d.readExpires(k)
	if err != nil || expires > clock() {
		return false, err
	}
	err = s.locked(ctx, k, func(d *directory) error {
		r, err := d.read(k)
		if err != nil || !r.exists() || r.alive(clock()) {
			return err
		}
		gone = true
		return d.remove(k, r.Owner, false)
	})
	return gone, err
}
