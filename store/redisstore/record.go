package redisstore

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/sesame-go/sesame/internal/expiry"
	"github.com/sesame-go/sesame/store"
)

// A record is a string of these, numbers big-endian. The scripts know the
// layout too.
const (
	versionAt = 0  // 8 bytes, never zero
	expiresAt = 8  // 8 bytes, milliseconds since 1970
	listedAt  = 16 // 8 bytes, as expiresAt: how long the owner's index has it at least
	checkAt   = 24 // the first 4 bytes of the key, to detect the reply to another GET
	ownerAt   = 28 // 1 byte of length, then the owner
	headerLen = 29 // then the owner, then the data
)

// encode returns what the server keeps. A listed of zero in the record of an
// owner means that of the record which it replaces.
func encode(k store.Key, r store.Record, version uint64, expires, listed int64) string {
	var header [headerLen]byte
	binary.BigEndian.PutUint64(header[versionAt:], version)
	binary.BigEndian.PutUint64(header[expiresAt:], uint64(expires))
	binary.BigEndian.PutUint64(header[listedAt:], uint64(listed))
	copy(header[checkAt:ownerAt], k[:])
	header[ownerAt] = byte(len(r.Owner))
	var b strings.Builder
	b.Grow(headerLen + len(r.Owner) + len(r.Data))
	b.Write(header[:])
	b.WriteString(r.Owner)
	b.Write(r.Data)
	return b.String()
}

// decode returns the record under k from what the server keeps. It returns
// [store.ErrExpired] if it has expired, and errOutOfStep if it is the record
// under another key.
func decode(k store.Key, value string, now time.Time) (store.Record, error) {
	if len(value) < headerLen {
		return store.Record{}, fmt.Errorf("%w: %d bytes are too few", store.ErrCorrupt, len(value))
	}
	end := headerLen + int(value[ownerAt])
	version := number(value[versionAt:])
	if len(value) < end || version == 0 {
		return store.Record{}, fmt.Errorf("%w: its header is no sesame record's", store.ErrCorrupt)
	}
	if value[checkAt:ownerAt] != string(k[:ownerAt-checkAt]) {
		return store.Record{}, errOutOfStep
	}
	expires := int64(number(value[expiresAt:]))
	if expires <= now.UnixMilli() {
		return store.Record{}, store.ErrExpired
	}
	return store.Record{
		Version: version,
		Expires: time.UnixMilli(expires),
		Owner:   strings.Clone(value[headerLen:end]), // value may be much longer than that
		Data:    []byte(value[end:]),
	}, nil
}

// number returns the number in the first eight bytes of s.
func number(s string) uint64 { return binary.BigEndian.Uint64([]byte(s[:8])) }

// eight returns n in eight bytes.
func eight(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

// newVersion returns a version that no record has had: a random number of 63
// bits, so that a key which is deleted and created again gets another.
func newVersion() uint64 { return 1 + rand.Uint64N(1<<63-1) }

// nonce returns what the reply of a script has to repeat.
func nonce() string { return eight(rand.Uint64()) }

// key returns the key of a session, which ends in its public ID.
func (s *Store) key(k store.Key) string {
	buf := make([]byte, 0, maxPrefix+2+22)
	buf = append(append(buf, s.prefix...), "s:"...)
	return string(base64.RawURLEncoding.AppendEncode(buf, k[:]))
}

// ownerKey returns the key of an owner's index.
func (s *Store) ownerKey(owner string) string { return s.prefix + "o:" + owner }

// slack is how much longer than needed, in milliseconds, the server keeps what
// expires: as much as the clocks of programs may differ.
const slack = 60_000

// life returns the TTL of what the server is to keep until some time. It is
// always positive: SET refuses another, and PEXPIRE takes it for a deletion.
func life(until, now int64) int64 { return max(until-now, 0) + slack }

// millis returns t in milliseconds since 1970, of a year until 9999.
func millis(t time.Time) int64 { return expiry.Clamp(t).UnixMilli() }
