package logstore

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"hash/crc32"
	"time"
)

// The lock file holds a note and a reserve.
//
// The note says how long the file was when it was last known to be durable:
//
//	header     32 bytes   of the file
//	size        8 bytes   little-endian
//	checksum    4 bytes   CRC-32C of all that
//
// It is written when the file has been opened, replaced or closed, and not
// synced, so that it may be old or missing, but never says more than there was.
const (
	noteSize    = 64
	reserveSize = 64 << 10
)

// A note is what the lock file says of the file. It is empty if it says
// nothing.
type note struct {
	header []byte
	size   int64
}

func (s *Store) readNote() note {
	b := make([]byte, headerSize+8+4)
	if _, err := s.lock.ReadAt(b, 0); err != nil {
		return note{}
	}
	if binary.LittleEndian.Uint32(b[headerSize+8:]) != crc32.Checksum(b[:headerSize+8], castagnoli) {
		return note{}
	}
	return note{header: b[:headerSize], size: int64(binary.LittleEndian.Uint64(b[headerSize:]))}
}

func (s *Store) writeNote() {
	b := binary.LittleEndian.AppendUint64(bytes.Clone(s.header), uint64(s.end.Load()))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	_, _ = s.lock.WriteAt(b, 0) // without it less is noticed
}

// A reserve is room on the disk that is given up when the disk is full, so that
// log-outs can be written.
type reserve struct {
	file  lockFile
	saved bool
	next  time.Time // not before is it tried again
}

// save takes the room, if it has been given up and there is so much.
func (r *reserve) save() {
	if r.saved || time.Now().Before(r.next) {
		return
	}
	var last [1]byte
	if _, err := r.file.ReadAt(last[:], noteSize+reserveSize-1); err == nil {
		r.saved = true // by another process, before
		return
	}
	b := make([]byte, reserveSize)
	rand.Read(b) // a file system might compress other bytes
	if _, err := r.file.WriteAt(b, noteSize); err != nil {
		_ = r.file.Truncate(noteSize)
		r.next = time.Now().Add(time.Second)
		return
	}
	r.saved = true
}

// spend gives the room up.
func (r *reserve) spend() {
	_ = r.file.Truncate(noteSize)
	r.saved = false
}
