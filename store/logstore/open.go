package logstore

import (
	"errors"
	"fmt"
	"io/fs"
)

// versionJump is how far the versions of a process are above the highest that
// its predecessors left in the file. They may have given out higher ones that
// the end of the power took; there it is far more than one writes before the
// system does.
const versionJump = 1 << 32

// open opens the log at path.
func open(fsys filesystem, path string, c config) (_ *Store, err error) {
	lock, err := fsys.lock(path+".lock", c.lockTimeout)
	if err != nil {
		return nil, fmt.Errorf("logstore: %s: %w", path, err)
	}
	s := &Store{
		config: c, fs: fsys, path: path, lock: lock, index: newIndex(),
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	s.compacted = make(chan *compaction, 1)
	if err := s.load(); err != nil {
		if s.file != nil {
			s.file.Close()
		}
		lock.Close()
		return nil, fmt.Errorf("logstore: %s: %w", path, err)
	}
	go s.run()
	return s, nil
}

// load reads the file, or makes it, and begins a new range of versions in it.
func (s *Store) load() error {
	if err := s.fs.remove(s.path + ".tmp"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	size, err := s.openFile()
	if err != nil {
		return err
	}
	if err := s.readHeader(size); err != nil {
		return err
	}
	end, rec, err := readFrames(s.file, s.format, headerSize, size, func(fr frame) {
		s.version = max(s.version, fr.version)
		s.index.replay(&fr)
	})
	if err != nil {
		return err
	}
	if err := s.report(rec); err != nil {
		return err
	}
	if end < size {
		if err := s.file.Truncate(end); err != nil {
			return err
		}
	}
	s.index.sweep(clock(), s.index.len())
	return s.begin(end)
}

// openFile opens the file, in place of one that does not exist or is empty a
// new one, and returns its size.
func (s *Store) openFile() (size int64, err error) {
	s.file, err = s.fs.open(s.path)
	if err == nil {
		size, err = s.file.size()
		if err != nil || size > 0 {
			return size, err
		}
		s.file.Close()
		s.file = nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	f, err := s.fs.create(s.path + ".tmp")
	if err != nil {
		return 0, err
	}
	_, err = f.WriteAt(newFormat().header(), 0)
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
		return 0, err
	}
	s.file, err = s.fs.open(s.path)
	return headerSize, err
}

func (s *Store) readHeader(size int64) (err error) {
	b := make([]byte, min(size, headerSize))
	if _, err := s.file.ReadAt(b, 0); err != nil {
		return err
	}
	s.format, err = parseHeader(b)
	return err
}

// report tells of damage, or refuses it.
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

// begin makes the versions of this process follow on all that were ever given
// out, and what was read durable: whoever wrote it may have been killed between
// a rename and its sync, or before a sync of the file.
func (s *Store) begin(end int64) error {
	s.version += versionJump
	b := s.format.append(nil, &frame{kind: kindStart, version: s.version})
	if _, err := s.file.WriteAt(b, end); err != nil {
		return err
	}
	if err := s.file.sync(); err != nil {
		return err
	}
	s.end.Store(end + int64(len(b)))
	return s.fs.syncDir(s.path)
}
