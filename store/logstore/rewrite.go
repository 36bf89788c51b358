package logstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// A file is in doubt if its content is not certain any more, because an fsync failed
// or a failed write could not be undone, or if another program has renamed, removed or
// truncated it. All answered changes are in memory, so the cure is the same in all
// cases: everything is written to a new file at the path.

var errReplaced = errors.New("another file is in its place; move that away")

// look returns why the path does not lead to the file with the given size, or
// nil. After a write this is how the writer knows that what it wrote is where
// the next start looks for it.
func (s *Store) look(size int64) error {
	found, same, err := s.fs.look(s.path, s.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("it was removed or renamed")
	case err != nil:
		return err
	case !same && found == 0:
		return errors.New("an empty file is in its place")
	case !same:
		return errReplaced
	case found != size:
		return fmt.Errorf("it has %d bytes instead of %d", found, size)
	}
	return nil
}

// rewrite ends the doubt: it writes all records, and frames after them, to a
// new file. If it cannot, it tries again with later changes, which fail until
// then, but does not spend more than a tenth of the time on it.
func (s *Store) rewrite(frames []byte) error {
	begin, cause := time.Now(), s.doubt
	if begin.Before(s.retryAt) {
		return fmt.Errorf("%w: %w", ErrBroken, cause)
	}
	s.stopCompaction()
	if err := s.tryRewrite(frames); err != nil {
		s.retryAt = time.Now().Add(10 * time.Since(begin))
		err = fmt.Errorf("%w: %w; and then: %w", ErrBroken, cause, err)
		if err.Error() != s.complaint {
			s.complaint = err.Error()
			s.log.Error("logstore: the file is not what it should be, and no new one can be written; each change will try again",
				"file", s.path, "error", err)
		}
		return err
	}
	s.complaint = ""
	s.log.Error("logstore: the file was not what it should be; all sessions were written to a new one in its place",
		"file", s.path, "bytes", s.end.Load(), "error", cause)
	return nil
}

func (s *Store) tryRewrite(frames []byte) (err error) {
	// Only what the store may have left there is replaced.
	if size, same, err := s.fs.look(s.path, s.file); err == nil && !same && size > 0 {
		return errReplaced
	}
	c := &compaction{s: s}
	defer func() {
		if err != nil {
			c.discard()
		}
	}()
	if err := c.snapshot(context.Background(), s.start()); err != nil {
		return err
	}
	if err := c.write(frames); err != nil {
		return err
	}
	cause := s.doubt
	s.doubt = nil
	if err := s.install(c); err != nil {
		if s.doubt == nil {
			s.doubt = cause
		}
		return err
	}
	return nil
}
