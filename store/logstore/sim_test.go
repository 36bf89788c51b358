package logstore

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"syscall"
)

// A simulation is a filesystem in memory of which one can take the power, and
// that can be made to fail.
//
// What was not synced when the power ends may be on the disk or not: of each
// write any of its sectors, and of the changes to the directory any. A write
// or a rename that came later may be there although an earlier one is not.
type simulation struct {
	mu    sync.Mutex
	names map[string]*inode // as the processes see them
	disk  map[string]*inode // as they are on the disk
	moves []move            // what names has and disk has not
	locks map[*inode]bool   // files that are open
	notes *inode            // the lock file

	room    int // how many bytes the disk has, 0 for any number
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
	return &simulation{
		names: make(map[string]*inode), disk: make(map[string]*inode),
		locks: make(map[*inode]bool), notes: new(inode),
	}
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
		after.names[name] = f.afterPowerLoss(rnd)
	}
	after.notes = s.notes.afterPowerLoss(rnd)
	after.disk = maps.Clone(after.names)
	return after
}

func (f *inode) afterPowerLoss(rnd *rand.Rand) *inode {
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
	return &inode{data: data, disk: slices.Clone(data)}
}

// afterKill returns what another process finds now.
func (s *simulation) afterKill() *simulation {
	s.mu.Lock()
	defer s.mu.Unlock()
	after := newSimulation()
	for name, f := range s.names {
		after.names[name] = &inode{data: slices.Clone(f.data), disk: slices.Clone(f.data)}
	}
	after.notes = &inode{data: slices.Clone(s.notes.data), disk: slices.Clone(s.notes.data)}
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
	return s.locked(f)
}

// locked returns f, locked. The caller has the simulation's lock.
func (s *simulation) locked(f *inode) (*simFile, error) {
	if s.locks[f] {
		return nil, ErrLocked
	}
	s.locks[f] = true
	return &simFile{s, f}, nil
}

// inUse reports whether anything is open.
func (s *simulation) inUse() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.locks) > 0
}

func (s *simulation) create(name string) (file, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.call("create"); err != nil {
		return nil, err
	}
	f := new(inode)
	s.move(move{to: name, file: f})
	return s.locked(f)
}

func (s *simulation) rename(from, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.call("rename"); err != nil {
		return err
	}
	if s.names[from] == nil {
		return fs.ErrNotExist
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

func (s *simulation) look(name string, f file) (int64, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.call("look"); err != nil {
		return 0, false, err
	}
	found := s.names[name]
	if found == nil {
		return 0, false, fs.ErrNotExist
	}
	return int64(len(found.data)), found == f.(*simFile).f, nil
}

func (s *simulation) lock(string) (lockFile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.call("lock"); err != nil {
		return nil, err
	}
	return s.locked(s.notes)
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

func (f *simFile) Write(b []byte) (int, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	return f.write("write", b, int64(len(f.f.data)))
}

// WriteAt is for the lock file.
func (f *simFile) WriteAt(b []byte, off int64) (int, error) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	return f.write("note", b, off)
}

// write writes half of b if it fails, for a full disk does.
func (f *simFile) write(what string, b []byte, off int64) (int, error) {
	err := f.s.call(what)
	if err == nil {
		b, err = f.s.fit(f.f, b, off)
	}
	if err == errPower {
		return 0, err
	}
	if err == errFull {
		// b is what there was room for
	} else if errors.Is(err, syscall.ENOSPC) {
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

// errFull is what a write gets for which there is no room.
var errFull = &os.PathError{Op: "write", Path: "disk", Err: syscall.ENOSPC}

// fit returns how much of b there is room for in f.
func (s *simulation) fit(f *inode, b []byte, off int64) ([]byte, error) {
	if s.room == 0 {
		return b, nil
	}
	used := s.used()
	if grows := int(off) + len(b) - len(f.data); grows > 0 && used+grows > s.room {
		return b[:max(0, len(b)-(used+grows-s.room))], errFull
	}
	return b, nil
}

// used returns how many bytes all files have.
func (s *simulation) used() int {
	n := len(s.notes.data)
	for _, f := range s.names {
		n += len(f.data)
	}
	return n
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

func (f *simFile) Close() error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	delete(f.s.locks, f.f)
	return nil
}
