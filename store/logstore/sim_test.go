package logstore

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A simulation is a filesystem in memory of which one can take the power, and
// that can be made to fail.
//
// What was not synced when the power ends may be on the disk or not: of each
// write any of its sectors, and of the changes to the directory any. A write
// or a rename that came later may be there although an earlier one is not.
type simulation struct {
	mu     sync.Mutex
	names  map[string]*inode // as the processes see them
	disk   map[string]*inode // as they are on the disk
	moves  []move            // what names has and disk has not
	locked bool

	calls   int
	renames int
	fault   func(call int, what string) error // nil for none
}

type inode struct {
	data    []byte // as the processes see it
	disk    []byte
	changes []change // what data has and disk has not
}

// A change is a write or, without data, a truncation.
type change struct {
	off  int64
	data []byte
}

// A move is a change of the directory.
type move struct {
	from, to string // either may be empty
	file     *inode
}

var errPower = errors.New("the power is off")

const sector = 512

func newSimulation() *simulation {
	return &simulation{names: make(map[string]*inode), disk: make(map[string]*inode)}
}

// powerOff makes all calls fail from the n-th on.
func powerOff(n int) func(int, string) error {
	return func(call int, _ string) error {
		if call >= n {
			return errPower
		}
		return nil
	}
}

// call counts a call and lets it fail if it is to. The caller has the lock.
func (s *simulation) call(what string) error {
	s.calls++
	if s.fault == nil {
		return nil
	}
	return s.fault(s.calls, what)
}

// afterPowerLoss returns what is found when the power comes back.
func (s *simulation) afterPowerLoss(rnd *rand.Rand) *simulation {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := maps.Clone(s.disk)
	for _, m := range s.moves {
		if rnd.IntN(2) == 0 {
			m.apply(names)
		}
	}
	after := newSimulation()
	for name, f := range names {
		data := slices.Clone(f.disk)
		keep := rnd.IntN(3) // none, some, or all
		for _, c := range f.changes {
			switch {
			case keep == 0 || c.data == nil && rnd.IntN(2) == 0:
			case c.data == nil:
				data = truncated(data, c.off)
			default:
				for off := 0; off < len(c.data); off += sector {
					if keep == 2 || rnd.IntN(2) == 0 {
						data = written(data, c.data[off:min(off+sector, len(c.data))], c.off+int64(off))
					}
				}
			}
		}
		after.names[name] = &inode{data: data, disk: slices.Clone(data)}
	}
	after.disk = maps.Clone(after.names)
	return after
}

// afterKill returns what another process finds now.
func (s *simulation) afterKill() *simulation {
	s.mu.Lock()
	defer s.mu.Unlock()
	after := newSimulation()
	for name, f := range s.names {
		after.names[name] = &inode{data: slices.Clone(f.data), disk: slices.Clone(f.data)}
	}
	after.disk = maps.Clone(after.names)
	return after
}

func (s *simulation) size(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.names[name].data)
}

func (m move) apply(names map[string]*inode) {
	delete(names, m.from)
	if m.to != "" {
		names[m.to] = m.file
	}
}

func (s *simulation) move(m move) {
	m.apply(s.names)
	s.moves = append(s.moves, m)
}

func written(data, b []byte, off int64) []byte {
	if end := off + int64(len(b)); end > int64(len(data)) {
		data = append(data, make([]byte, end-int64(len(data)))...)
	}
	copy(data[off:], b)
	return data
}

func truncated(data []byte, size int64) []byte {
	if size > int64(len(data)) {
		return append(data, make([]byte, size-int64(len(data)))...)
	}
	return data[:size]
}

func (s *simulation) open(name string) (file, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.call("open"); err != nil {
		return nil, err
	}
	f, ok := s.names[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return &simFile{s, f}, nil
}

func (s *simulation) create(name string) (file, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.call("create"); err != nil {
		return nil, err
	}
	f := new(inode)
	s.move(move{to: name, file: f})
	return &simFile{s, f}, nil
}

func (s *simulation) rename(from, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.call("rename"); err != nil {
		return err
	}
	s.renames++
	s.move(move{from: from, to: to, file: s.names[from]})
	return nil
}

func (s *simulation) remove(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.call("remove"); err != nil {
		return err
	}
	if s.names[name] == nil {
		return fs.ErrNotExist
	}
	s.move(move{from: name})
	return nil
}

func (s *simulation) syncDir(string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.call("syncDir"); err != nil {
		return err
	}
	s.disk, s.moves = maps.Clone(s.names), nil
	return nil
}

func (s *simulation) closedRename() bool { return false }

func (s *simulation) lock(string, time.Duration) (io.Closer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.locked {
		return nil, ErrLocked
	}
	s.locked = true
	return simLock{s}, nil
}

type simLock struct{ s *simulation }

func (l simLock) Close() error {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.s.locked = false
	return nil
}

type simFile struct {
	s *simulation
	f *inode
}

func (f *simFile) ReadAt(b []byte, off int64) (int, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if err := f.s.call("read"); err != nil {
		return 0, err
	}
	n := copy(b, f.f.data[min(off, int64(len(f.f.data))):])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt writes half of b if it fails, for a full disk does.
func (f *simFile) WriteAt(b []byte, off int64) (int, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	err := f.s.call("write")
	if err == errPower {
		return 0, err
	}
	if errors.Is(err, syscall.ENOSPC) {
		b = b[:len(b)/2]
	} else if err != nil {
		b = nil
	}
	if len(b) > 0 {
		f.f.data = written(f.f.data, b, off)
		f.f.changes = append(f.f.changes, change{off, slices.Clone(b)})
	}
	return len(b), err
}

func (f *simFile) Truncate(size int64) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if err := f.s.call("truncate"); err != nil {
		return err
	}
	f.f.data = truncated(f.f.data, size)
	f.f.changes = append(f.f.changes, change{off: size})
	return nil
}

func (f *simFile) sync() error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if err := f.s.call("sync"); err != nil {
		return err
	}
	for _, c := range f.f.changes {
		if c.data == nil {
			f.f.disk = truncated(f.f.disk, c.off)
		} else {
			f.f.disk = written(f.f.disk, c.data, c.off)
		}
	}
	f.f.changes = nil
	return nil
}

func (f *simFile) size() (int64, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	if err := f.s.call("size"); err != nil {
		return 0, err
	}
	return int64(len(f.f.data)), nil
}

func (f *simFile) Close() error { return nil }
