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
	"os"
	"path/filepath"
	"time"

	"github.com/sesame-go/sesame/store"
)

// A file holds one record. Numbers are big-endian.
//
//	magic    8 bytes  "sesame d"
//	format   1 byte   2
//	key     16 bytes
//	version  8 bytes  not 0
//	expires  8 bytes  microseconds since 1970, signed
//	owner    1 byte   its length
//	data     4 bytes  its length
//	owner, data
//	CRC-32C  4 bytes  of all before it
const (
	magic = "sesame d\x02"

	keyAt     = len(magic)
	versionAt = keyAt + len(store.Key{})
	expiresAt = versionAt + 8
	ownerAt   = expiresAt + 8
	dataAt    = ownerAt + 1
	headLen   = dataAt + 4
	trailer   = 4

	maxLength = int64(headLen + store.MaxOwner + maxData + trailer)
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func encode(k store.Key, r store.Record) []byte {
	b := append(make([]byte, 0, headLen+len(r.Owner)+len(r.Data)+trailer), magic...)
	b = append(b, k[:]...)
	b = binary.BigEndian.AppendUint64(b, r.Version)
	b = binary.BigEndian.AppendUint64(b, uint64(micros(r.Expires)))
	b = append(b, byte(len(r.Owner)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Data)))
	b = append(b, r.Owner...)
	b = append(b, r.Data...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

var (
	errForeign  = errors.New("it is no session file")
	errChecksum = errors.New("its checksum is wrong")
	errLength   = errors.New("its length is wrong")
	errName     = errors.New("it belongs under another name")
)

// decode returns the record that b holds for k. Its data is part of b.
func decode(b []byte, k store.Key) (found, error) {
	if len(b) < headLen+trailer || string(b[:len(magic)]) != magic {
		return found{}, errForeign
	}
	end := len(b) - trailer
	if crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return found{}, errChecksum
	}
	data := headLen + int(b[ownerAt])
	if int64(end) != int64(data)+int64(binary.BigEndian.Uint32(b[dataAt:])) {
		return found{}, errLength
	}
	var r found
	r.Version = binary.BigEndian.Uint64(b[versionAt:])
	r.Expires = time.UnixMicro(expires(b))
	r.Owner = string(b[headLen:data])
	r.Data = b[data:end:end]
	if !bytes.Equal(b[keyAt:versionAt], k[:]) || !r.exists() {
		return found{}, errName
	}
	return r, nil
}

func expires(head []byte) int64 { return int64(binary.BigEndian.Uint64(head[expiresAt:])) }

// read returns what is in k's file, nothing if there is none, or an error that
// wraps store.ErrCorrupt. Files are replaced and never changed, so it needs no
// lock.
func (d *directory) read(k store.Key) (found, error) {
	b, err := d.readFile(k, maxLength)
	if err != nil || b == nil {
		return found{}, err
	}
	r, err := decode(b, k)
	if err != nil {
		return found{}, d.damaged(fileName(k), err)
	}
	return r, nil
}

// readExpires returns when the session in k's file ends, the distant past if
// there is none. It reads the head alone, and does not see damage behind that.
func (d *directory) readExpires(k store.Key) (int64, error) {
	b, err := d.readFile(k, int64(headLen))
	switch {
	case err != nil || b == nil:
		return 0, err
	case len(b) < headLen || string(b[:len(magic)]) != magic:
		return 0, d.damaged(fileName(k), errForeign)
	}
	return expires(b), nil
}

// readFile returns the first limit bytes of k's file, nil if there is none.
func (d *directory) readFile(k store.Key, limit int64) ([]byte, error) {
	name := fileName(k)
	f, err := d.root.OpenFile(name, os.O_RDONLY|nonblock, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		if info, lerr := d.root.Lstat(name); lerr == nil && !info.Mode().IsRegular() {
			return nil, d.damaged(name, errForeign) // a link out of the directory, or a socket
		}
		return nil, d.failed(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, d.failed(err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxLength {
		return nil, d.damaged(name, errForeign)
	}
	b := make([]byte, min(info.Size(), limit))
	n, err := io.ReadFull(f, b)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, d.failed(err)
	}
	return b[:n], nil
}

// damaged returns the error of a file that is not one of this package's, or not
// as this package wrote it.
func (d *directory) damaged(name string, why error) error {
	return fmt.Errorf("dirstore: %s: %w; remove the file, which ends no other session: %w",
		d.file(name), why, store.ErrCorrupt)
}

// file returns the path of a file, for messages.
func (d *directory) file(name string) string { return filepath.Join(d.path, filepath.FromSlash(name)) }

// Names are lower-case hexadecimal, so that none contains a separator and no
// two differ in case only. Sessions are spread over 16 directories by the first
// digit of their keys, so that a walk need not hold all names at once.

const fanCount = 16

func fanDir(k store.Key) string { return fanDirAt(int(k[0] >> 4)) }

func fanDirAt(i int) string { return fmt.Sprintf("data/%x", i) }

func fileName(k store.Key) string { return fanDir(k) + "/" + hex.EncodeToString(k[:]) }
