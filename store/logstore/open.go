package logstore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/sesame-go/sesame/internal/records"
	"github.com/sesame-go/sesame/store"
)

const (
	// versionJump is how far the versions of a process are above the highest
	// that its predecessors left in the file. They may have given out higher
	// ones that a power loss took; there it is far more than one writes before
	// the system does.
	versionJump = 1 << 32

	// lockPoll is how often a store that waits for the lock asks for it.
	lockPoll = 5 * time.Millisecond
)

// open opens the log at path, as soon as nothing else has it open.
func open(fsys filesystem, path string, c config) (*Store, error) {
	deadline := time.Now().Add(c.lockTimeout)
	for {
		s, err := tryOpen(fsys, path, c)
		if err == nil {
			return s, nil
		}
		left := time.Until(deadline)
		if !errors.Is(err, ErrLocked) || left <= 0 {
			return nil, fmt.Errorf("logstore: %s: %w", path, withCure(err, path))
		}
		time.Sleep(min(lockPoll, left))
	}
}

// withCure adds advice to the error of a file that cannot be opened.
func withCure(err error, path string) error {
	dir := filepath.Dir(path)
	var system *fs.PathError
	switch {
	case errors.Is(err, ErrLocked):
		return fmt.Errorf("%w; end that process, or give each its own file", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the directory %s does not exist; make it: %w", dir, err)
	case errors.As(err, &system):
		return fmt.Errorf("%w; the program's user must be allowed to read and write the file and the directory %s, on a disk with room", err, dir)
	}
	return err
}

func tryOpen(fsys filesystem, path string, c config) (*Store, error) {
	lock, err := fsys.lock(path + ".lock")
	if err != nil {
		return nil, err
	}
	s := &Store{
		config: c, fs: fsys, path: path, lock: lock, set: records.NewSet(),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	s.compacted = make(chan *compaction, 1)
	s.reserve.file = lock
	if err := s.load(); err != nil {
		if s.file != nil {
			s.file.Close()
		}
		lock.Close()
		return nil, err
	}
	go s.run()
	return s, nil
}

// load reads the file, or makes it.
func (s *Store) load() error {
	before := s.readNote()
	size, err := s.openFile(before)
	if err != nil {
		return err
	}
	if err := s.fs.remove(s.path + ".tmp"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	end, rec, err := readFrames(s.file, s.format, headerSize, size, func(fr frame) {
		s.version = max(s.version, fr.version)
		s.replay(&fr)
	})
	if err != nil {
		return err
	}
	if bytes.Equal(before.header, s.header) && before.size > size {
		rec.missing(size, before.size)
	}
	if err := s.report(rec); err != nil {
		return err
	}
	if end < size {
		if err := s.file.Truncate(end); err != nil {
			return err
		}
	}
	// The process that wrote this may have been killed before it synced the file
	// or, after a rename, its directory.
	if err := s.file.sync(); err != nil {
		return err
	}
	if err := s.fs.syncDir(s.path); err != nil {
		return err
	}
	s.end.Store(end)
	s.version += versionJump
	s.writeNote()
	s.reserve.save()
	_, err = s.set.Sweep(s.set.Len(), func() error { return nil })
	return err
}

// openFile opens the file, in place of one that does not exist or is empty a
// new one, and returns its size.
func (s *Store) openFile(before note) (size int64, err error) {
	s.file, err = s.fs.open(s.path)
	exists := err == nil
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if exists {
		var same bool
		size, same, err = s.fs.look(s.path, s.file)
		if err == nil && !same {
			err = ErrLocked // it was, by a process that has replaced it since
		}
	}
	if err != nil {
		return 0, err
	}
	if size == 0 {
		if err := s.lost(exists, before); err != nil {
			return 0, err
		}
		if exists {
			s.file.Close()
			s.file = nil
		}
		if err := s.createFile(); err != nil {
			return 0, err
		}
		size = headerSize
	}
	s.header = make([]byte, min(size, headerSize))
	if _, err := s.file.ReadAt(s.header, 0); err != nil {
		return 0, err
	}
	s.format, err = parseHeader(s.header)
	return size, err
}

// lost reports, or refuses, a file that is empty or missing although there was one
// before. The store itself never leaves an empty file.
func (s *Store) lost(exists bool, before note) error {
	if before.size == 0 && !(exists && s.strict) {
		return nil
	}
	what := "it does not exist"
	if exists {
		what = "it is empty"
	}
	if before.size > 0 {
		what = fmt.Sprintf("%s, although it had %d bytes", what, before.size)
	}
	if s.strict {
		return fmt.Errorf("%w: %s", ErrDamaged, what)
	}
	s.log.Error("logstore: "+what+"; a new one is begun", "file", s.path)
	return nil
}

// createFile makes a new file. At no time is there one without a header.
func (s *Store) createFile() error {
	f, err := s.fs.create(s.path + ".tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(newFormat().newHeader())
	if err == nil {
		err = f.sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = s.fs.rename(s.path+".tmp", s.path)
	}
	if err != nil {
		return err
	}
	s.file, err = s.fs.open(s.path)
	return err
}

// report logs damage, or refuses it.
func (s *Store) report(rec Recovery) error {
	s.recovery = rec
	if s.strict && len(rec.Damage) > 0 {
		return fmt.Errorf("%w in %d places, first %d bytes at offset %d",
			ErrDamaged, len(rec.Damage), rec.Damage[0].Bytes, rec.Damage[0].Offset)
	}
	for _, d := range rec.Damage {
		s.log.Warn("logstore: the file is damaged; what could be read is kept",
			"file", s.path, "offset", d.Offset, "bytes", d.Bytes, "cut", d.Tail, "records", rec.Records)
	}
	return nil
}

// replay applies a frame of the log. Frames come in the order of the log, but
// behind a compaction the first may be older than what is there.
func (s *Store) replay(fr *frame) {
	r := s.set.Find(fr.key)
	older := r == nil || r.Version < fr.version
	switch {
	case fr.kind == kindPut && older:
		s.set.Put(fr.key, store.Record{
			Version: fr.version, Expires: time.UnixMicro(fr.expires), Owner: fr.owner, Data: fr.data,
		})
	case fr.kind == kindTouch && r != nil && r.Version == fr.version:
		s.set.Extend(r, fr.expires)
	case fr.kind == kindRemove && older && r != nil:
		s.set.Remove(r)
	}
}
