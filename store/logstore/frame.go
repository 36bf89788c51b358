package logstore

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/sesame-go/sesame/store"
)

// A file begins with a header:
//
//	magic     16 bytes   "sesame log 2" and four that a text editor or a
//	                     transfer as text would damage
//	mark       4 bytes   random, how each frame of this file begins
//	seed       4 bytes   random, what the checksums of this file begin with
//	name       4 bytes   random, and another one after a compaction
//	checksum   4 bytes   CRC-32C of all that
//
// After it there are frames, up to the end. Numbers are little-endian:
//
//	mark       4 bytes
//	checksum   4 bytes   CRC-32C, from seed on, of all that follows
//	length     4 bytes   of the body
//	body:
//	  kind     1 byte    1 start, 2 put, 3 touch, 4 remove
//	  owner    1 byte    its length
//	  version  8 bytes
//	  expires  8 bytes   microseconds since 1970
//	  key     16 bytes
//	  owner
//	  data
//
// Mark and seed are random because sessions hold what users write. After
// damage the reader looks for the next frame anywhere; a user who knew them
// could put bytes into a session that look like one. A compaction keeps both,
// since it copies frames.
const (
	magic       = "sesame log 2\r\n\x1a\x00"
	magicName   = len("sesame log ")
	headerSize  = 32
	prefixSize  = 12
	minBody     = 2 + 8 + 8 + 16
	minFrame    = prefixSize + minBody
	maxDataSize = 64 << 20
	maxBody     = minBody + store.MaxOwner + maxDataSize
)

const (
	kindStart  = 1 + iota // versions go on above this one
	kindPut               // the record under key, if it is newer
	kindTouch             // the expiry of that version
	kindRemove            // no record under key that is older
)

// A frame is one change, whole or not at all. It says what the result is, not
// how to get there, and has a version: frames that are read a second time, up
// to the last one, do no harm.
type frame struct {
	kind    byte
	version uint64
	expires int64
	key     store.Key
	owner   string
	data    []byte
}

// A format is what files do not have in common.
type format struct {
	mark [4]byte
	seed uint32
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func newFormat() format {
	var random [8]byte
	rand.Read(random[:])
	return format{mark: [4]byte(random[:4]), seed: binary.LittleEndian.Uint32(random[4:])}
}

// newHeader returns the header of a new file.
func (f format) newHeader() []byte {
	b := append([]byte(magic), f.mark[:]...)
	b = binary.LittleEndian.AppendUint32(b, f.seed)
	b = append(b, make([]byte, 4)...)
	rand.Read(b[24:])
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// parseHeader refuses what is not the beginning of a log, or a damaged one.
func parseHeader(b []byte) (format, error) {
	if len(b) >= len(magic) && string(b[:magicName]) == magic[:magicName] && string(b[:len(magic)]) != magic {
		return format{}, fmt.Errorf("it was written by another version of sesame, or damaged: it begins with %q", b[:len(magic)])
	}
	if len(b) < headerSize || string(b[:len(magic)]) != magic {
		return format{}, errors.New("it is not a session log, and stays as it is")
	}
	if binary.LittleEndian.Uint32(b[28:32]) != crc32.Checksum(b[:28], castagnoli) {
		return format{}, errors.New("its header is damaged")
	}
	return format{mark: [4]byte(b[16:20]), seed: binary.LittleEndian.Uint32(b[20:24])}, nil
}

// append appends a frame to b.
func (f format) append(b []byte, fr *frame) []byte {
	begin := len(b)
	b = append(b, f.mark[:]...)
	b = append(b, make([]byte, prefixSize-len(f.mark))...)
	b = append(b, fr.kind, byte(len(fr.owner)))
	b = binary.LittleEndian.AppendUint64(b, fr.version)
	b = binary.LittleEndian.AppendUint64(b, uint64(fr.expires))
	b = append(b, fr.key[:]...)
	b = append(b, fr.owner...)
	b = append(b, fr.data...)

	prefix := b[begin : begin+prefixSize]
	binary.LittleEndian.PutUint32(prefix[8:], uint32(len(b)-begin-prefixSize))
	binary.LittleEndian.PutUint32(prefix[4:], f.checksum(b[begin:]))
	return b
}

// checksum returns the checksum that a frame must have.
func (f format) checksum(b []byte) uint32 {
	return crc32.Update(f.seed, castagnoli, b[8:])
}

// bodySize returns the length of the body of the frame that begins with the
// given bytes, if one may begin so.
func (f format) bodySize(prefix []byte) (int, bool) {
	if len(prefix) < prefixSize || !bytes.Equal(prefix[:4], f.mark[:]) {
		return 0, false
	}
	n := binary.LittleEndian.Uint32(prefix[8:])
	return int(n), n >= minBody && n <= maxBody
}

// parse returns the frame that b is, if it is one.
func (f format) parse(b []byte) (fr frame, ok bool) {
	if binary.LittleEndian.Uint32(b[4:]) != f.checksum(b) {
		return frame{}, false
	}
	body := b[prefixSize:]
	fr = frame{
		kind:    body[0],
		version: binary.LittleEndian.Uint64(body[2:]),
		expires: int64(binary.LittleEndian.Uint64(body[10:])),
		key:     store.Key(body[18:]),
	}
	owner, rest := int(body[1]), body[minBody:]
	if fr.kind < kindStart || fr.kind > kindRemove || len(rest) < owner {
		return frame{}, false
	}
	fr.owner, fr.data = string(rest[:owner]), bytes.Clone(rest[owner:])
	return fr, true
}
