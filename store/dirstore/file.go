package dirstore

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/sesame-go/sesame/store"
)

// ErrDamaged says that a session's file is not one that this package wrote, or
// not as it wrote it. The error that wraps it names the file. Such a session
// is never served, and it is neither overwritten nor swept. The cure is to
// remove the file, or to call Delete, which ends that one session.
var ErrDamaged = fmt.Errorf("dirstore: damaged session file: %w", store.ErrCorrupt)

// A file holds one record, or for the moment of a rotation two, of which each
// answers to its own key; see [Store.Rotate]. Numbers are big-endian.
//
//	magic    8 bytes  "sesame d"
//	format   1 byte   1
//	records  1 byte   1 or 2, then as often:
//	  key     32 bytes
//	  version  8 bytes  not 0
//	  expires  8 bytes  microseconds since 1970, signed
//	  owner    1 byte   its length
//	  data     4 bytes  its length
//	  owner, data
//	CRC-32C  4 bytes  of all before it
const (
	magic     = "sesame d\x01"
	preamble  = len(magic) + 1
	faceLen   = 32 + 8 + 8 + 1 + 4
	trailer   = 4
	maxLength = int64(preamble + trailer + 2*(faceLen+store.MaxOwner+maxData))
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A face is what a file is to who asks for a key.
type face struct {
	key store.Key
	store.Record
}

func encode(faces ...face) []byte {
	n := preamble + trailer
	for _, f := range faces {
		n += faceLen + len(f.Owner) + len(f.Data)
	}
	b := append(make([]byte, 0, n), magic...)
	b = append(b, byte(len(faces)))
	for _, f := range faces {
		b = append(b, f.key[:]...)
		b = binary.BigEndian.AppendUint64(b, f.Version)
		b = binary.BigEndian.AppendUint64(b, uint64(micros(f.Expires)))
		b = append(b, byte(len(f.Owner)))
		b = binary.BigEndian.AppendUint32(b, uint32(len(f.Data)))
		b = append(b, f.Owner...)
		b = append(b, f.Data...)
	}
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

var (
	errForeign  = errors.New("no session file")
	errChecksum = errors.New("wrong checksum")
	errLength   = errors.New("wrong length")
	errKey      = errors.New("it belongs under another name")
)

// decode returns the record that b holds for k. Its data is part of b.
func decode(b []byte, k store.Key) (found, error) {
	if len(b) < preamble+trailer || string(b[:len(magic)]) != magic {
		return found{}, errForeign
	}
	n := len(b) - trailer
	if crc32.Checksum(b[:n], castagnoli) != binary.BigEndian.Uint32(b[n:]) {
		return found{}, errChecksum
	}
	count, rest := b[len(magic)], b[preamble:n]
	var r found
	for range count {
		if len(rest) < faceLen {
			return found{}, errLength
		}
		owner := int(rest[48])
		data := int64(binary.BigEndian.Uint32(rest[49:]))
		if int64(len(rest)) < int64(faceLen+owner)+data {
			return found{}, errLength
		}
		end := faceLen + owner + int(data)
		if bytes.Equal(rest[:32], k[:]) {
			r.Version = binary.BigEndian.Uint64(rest[32:])
			r.Expires = time.UnixMicro(int64(binary.BigEndian.Uint64(rest[40:])))
			r.Owner = string(rest[faceLen : faceLen+owner])
			r.Data = rest[faceLen+owner : end : end]
		}
		rest = rest[end:]
	}
	switch {
	case len(rest) != 0:
		return found{}, errLength
	case !r.exists():
		return found{}, errKey
	}
	return r, nil
}

// read returns what is in k's file, nothing if there is none, or an error that
// wraps ErrDamaged. Files are replaced and never changed, so it needs no lock.
func (s *Store) read(k store.Key) (found, error) {
	f, err := s.root.Open(fileName(k))
	if errors.Is(err, fs.ErrNotExist) {
		return found{}, nil
	}
	if err != nil {
		return found{}, failed(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return found{}, failed(err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxLength {
		return found{}, s.damaged(k, errForeign)
	}
	b := make([]byte, info.Size())
	if _, err := io.ReadFull(f, b); err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return found{}, s.damaged(k, errLength)
		}
		return found{}, failed(err)
	}
	r, err := decode(b, k)
	if err != nil {
		return found{}, s.damaged(k, err)
	}
	return r, nil
}

func (s *Store) damaged(k store.Key, why error) error {
	return fmt.Errorf("%w %s: %w; remove it, which ends that one session",
		ErrDamaged, filepath.Join(s.path, filepath.FromSlash(fileName(k))), why)
}

// Names are lower-case hexadecimal, so that none contains a separator and no
// two differ in case only. Sessions are spread over 16 directories by the first
// digit of their keys, so that a walk need not hold all names at once.

const fanCount = 16

func fanDir(k store.Key) string { return fanDirAt(int(k[0] >> 4)) }

func fanDirAt(i int) string { return fmt.Sprintf("data/%x", i) }

func fileName(k store.Key) string { return fanDir(k) + "/" + hex.EncodeToString(k[:]) }

// parseName is the inverse of what names files after keys. Other files, which
// somebody else has put there, are none of ours.
func parseName(name string) (k store.Key, ok bool) {
	if len(name) != hex.EncodedLen(len(k)) {
		return k, false
	}
	_, err := hex.Decode(k[:], []byte(name))
	return k, err == nil && hex.EncodeToString(k[:]) == name
}
