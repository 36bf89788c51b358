package sealed

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/sesame-go/sesame/store"
)

// keyLen is the length of a key.
const keyLen = 32

// A sealed record:
//
//	format      1 byte   1
//	key id      4 bytes  the first of SHA-256("sesame/v1/sealed/id" ‖ key)
//	nonce      24 bytes  random
//	ciphertext           XAES-256-GCM, as long as the data
//	tag        16 bytes
//
// The additional data is "sesame/v1/sealed" ‖ the record's key ‖ its owner,
// which binds a record to its place. The expiry is not in it: it changes by
// itself.
const (
	format  = 1
	idLen   = 4
	headLen = 1 + idLen + nonceLen
)

// A ring is the keys of a store, of which the first seals.
type ring []ringKey

type ringKey struct {
	id   [idLen]byte
	aead xaes
}

func newRing(keys [][]byte) (ring, error) {
	if len(keys) == 0 {
		return nil, errors.New("sealed: no key: give New one at least, of 32 random bytes, such as openssl rand -base64 32 prints")
	}
	ring := make(ring, len(keys))
	for i, key := range keys {
		if len(key) != keyLen {
			return nil, fmt.Errorf("sealed: key %d of %d has %d bytes, and not 32: "+
				"take random bytes, such as openssl rand -base64 32 prints, and decode them", i+1, len(keys), len(key))
		}
		if bytes.Count(key, key[:1]) == keyLen {
			return nil, fmt.Errorf("sealed: key %d of %d is one byte %d times: take random bytes", i+1, len(keys), keyLen)
		}
		sum := sha256.Sum256(append([]byte("sesame/v1/sealed/id"), key...))
		ring[i].id = [idLen]byte(sum[:])
		ring[i].aead = newXAES([keyLen]byte(key))
	}
	return ring, nil
}

// seal encrypts data for its place. It does not change data.
func (r ring) seal(data []byte, k store.Key, owner string) []byte {
	box := make([]byte, headLen, headLen+len(data)+tagLen)
	box[0] = format
	copy(box[1:], r[0].id[:])
	nonce := box[1+idLen:]
	rand.Read(nonce) // never fails
	return r[0].aead.seal(box, [nonceLen]byte(nonce), data, additional(k, owner))
}

// open decrypts, in place, what seal has made for this place, or returns nil.
func (r ring) open(box []byte, k store.Key, owner string) []byte {
	if len(box) < headLen+tagLen || box[0] != format {
		return nil
	}
	id, nonce, text := [idLen]byte(box[1:]), [nonceLen]byte(box[1+idLen:]), box[headLen:]
	ad := additional(k, owner)
	for i := range r {
		if r[i].id != id {
			continue
		}
		text := text
		if slices.ContainsFunc(r[i+1:], func(k ringKey) bool { return k.id == id }) {
			text = bytes.Clone(text) // what cannot be decrypted is cleared, and the next key is to try it too
		}
		if data, err := r[i].aead.open(text, nonce, ad); err == nil {
			return data
		}
	}
	return nil
}

func additional(k store.Key, owner string) []byte {
	const label = "sesame/v1/sealed"
	ad := make([]byte, 0, len(label)+len(k)+len(owner))
	ad = append(ad, label...)
	ad = append(ad, k[:]...)
	return append(ad, owner...)
}
