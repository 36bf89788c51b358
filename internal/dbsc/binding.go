package dbsc

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/sesame-go/sesame/store"
)

// Binding is what the record of a session has of a device.
type Binding struct {
	Secret [secretLen]byte // of the stamps
	Since  time.Time       // when the key was registered, to the millisecond
	Key    []byte          // the public key, SubjectPublicKeyInfo in DER; nil: offered, not registered
}

const (
	secretLen = 16
	atKey     = secretLen + 8
)

// Offer returns a binding without a key yet.
func Offer() (b Binding) {
	_, _ = rand.Read(b.Secret[:]) // never fails
	return b
}

// Bytes returns the form of a binding in the record.
func (b Binding) Bytes() []byte {
	if b.Key == nil {
		return bytes.Clone(b.Secret[:])
	}
	data := make([]byte, 0, atKey+len(b.Key))
	data = append(data, b.Secret[:]...)
	data = binary.BigEndian.AppendUint64(data, uint64(b.Since.UnixMilli()))
	return append(data, b.Key...)
}

// ErrDamaged says that data is no binding.
var ErrDamaged = errors.New("not a device's registration")

// Parse reads what [Binding.Bytes] returned. The key shares memory with data.
func Parse(data []byte) (b Binding, err error) {
	if len(data) != secretLen && len(data) <= atKey {
		return Binding{}, ErrDamaged
	}
	copy(b.Secret[:], data)
	if len(data) > atKey {
		b.Since = time.UnixMilli(int64(binary.BigEndian.Uint64(data[secretLen:])))
		b.Key = data[atKey:]
	}
	return b, nil
}

// PublicKey returns the device's key.
func (b Binding) PublicKey() (crypto.PublicKey, error) { return x509.ParsePKIXPublicKey(b.Key) }

// A Purpose keeps the stamps of one kind from being taken for those of another.
type Purpose string

// What stamps are for.
const (
	Registration Purpose = "registration" // the challenge of an offer
	Refresh      Purpose = "refresh"      // the challenge of a refresh
	Proof        Purpose = "proof"        // the value of the bound cookie: when its challenge was made
)

// A stamp is a time in milliseconds, a nonce, and a MAC over both, the purpose
// and the session's ID.
const (
	nonceLen = 8
	macLen   = sha256.Size
	stampLen = 8 + nonceLen + macLen
)

// Stamp returns a stamp of the given time, without padding or special
// characters.
func (b Binding) Stamp(p Purpose, id store.Key, at time.Time) string {
	data := make([]byte, 0, stampLen)
	data = binary.BigEndian.AppendUint64(data, uint64(at.UnixMilli()))
	data = data[:8+nonceLen]
	_, _ = rand.Read(data[8:])
	return base64.RawURLEncoding.EncodeToString(b.mac(data, p, id, data))
}

// Read returns the time of a stamp, and whether it is one of this session's.
func (b Binding) Read(p Purpose, id store.Key, stamp string) (at time.Time, ok bool) {
	if len(stamp) != base64.RawURLEncoding.EncodedLen(stampLen) {
		return time.Time{}, false
	}
	buf, err := decode64(stamp)
	if err != nil {
		return time.Time{}, false
	}
	var want [stampLen]byte
	signed := buf[:8+nonceLen]
	if !hmac.Equal(b.mac(want[:0], p, id, signed), buf[8+nonceLen:]) {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(signed))), true
}

// mac appends the MAC of signed to dst.
func (b Binding) mac(dst []byte, p Purpose, id store.Key, signed []byte) []byte {
	h := hmac.New(sha256.New, b.Secret[:])
	h.Write([]byte("sesame/v1/device/"))
	h.Write([]byte(p))
	h.Write([]byte{'/'})
	h.Write(id[:])
	h.Write(signed)
	return h.Sum(dst)
}
