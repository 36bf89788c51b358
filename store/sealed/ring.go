package sealed

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/sesame-go/sesame/store"
)

// keyLen is the length of a key.
const keyLen = 32

// A sealed record:
//
//	format      1 byte   2
//	nonce      12 bytes  random
//	ciphertext           AES-256-GCM, as long as the data
//	tag        16 bytes
//
// Its key is HKDF-Expand with SHA-256 of a key of the ring, with the info label ‖ ID.
// Its additional data is ID ‖ owner, which binds a record to its place. The
// expiry is not in it, because Touch changes that without the data.
const (
	format = 2
	label  = "sesame sealed 2 "
)

// A ring holds the keys of a store. The first one encrypts.
type ring [][]byte

func newRing(keys [][]byte) (ring, error) {
	if len(keys) == 0 {
		return nil, errors.New("sealed: no key: give New at least one of 32 random bytes, such as openssl rand -base64 32 prints")
	}
	ring := make(ring, len(keys))
	for i, key := range keys {
		if len(key) != keyLen {
			return nil, fmt.Errorf("sealed: key %d of %d has %d bytes, not %d: "+
				"take random bytes, such as openssl rand -base64 32 prints, and decode them", i+1, len(keys), len(key), keyLen)
		}
		if bytes.Count(key, key[:1]) == keyLen {
			return nil, fmt.Errorf("sealed: key %d of %d is one byte %d times: take random bytes", i+1, len(keys), keyLen)
		}
		ring[i] = bytes.Clone(key)
	}
	return ring, nil
}

// seal returns data encrypted for the record under id, in a new slice.
func (r ring) seal(data []byte, id store.Key, owner string) ([]byte, error) {
	aead, err := sessionAEAD(r[0], id)
	if err != nil {
		return nil, err
	}
	box := make([]byte, 1, 1+len(data)+aead.Overhead())
	box[0] = format
	return aead.Seal(box, nil, data, additional(id, owner)), nil
}

// open returns what seal has encrypted for the record under id, in a new slice.
func (r ring) open(box []byte, id store.Key, owner string) ([]byte, error) {
	if len(box) == 0 || box[0] != format {
		return nil, fmt.Errorf("sealed: this is no sealed session of format %d: %w", format, store.ErrCorrupt)
	}
	ad := additional(id, owner)
	for _, key := range r {
		aead, err := sessionAEAD(key, id)
		if err != nil {
			return nil, err
		}
		if data, err := aead.Open(nil, nil, box[1:], ad); err == nil {
			return data, nil
		}
	}
	return nil, fmt.Errorf("sealed: none of the %d keys opens this session; "+
		"it was sealed with another key, or tampered with: %w", len(r), store.ErrCorrupt)
}

// sessionAEAD returns AES-256-GCM under a key of the session's own. GCM with
// random nonces is good for 2³² messages under one key. A busy site saves as many
// in a few months, but no single session is saved so often.
func sessionAEAD(key []byte, id store.Key) (cipher.AEAD, error) {
	own, err := hkdf.Expand(sha256.New, key, label+string(id[:]), keyLen)
	if err != nil {
		return nil, fmt.Errorf("sealed: %w", err)
	}
	block, err := aes.NewCipher(own)
	if err != nil {
		return nil, fmt.Errorf("sealed: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("sealed: %w", err)
	}
	return aead, nil
}

func additional(id store.Key, owner string) []byte {
	return append(id[:len(id):len(id)], owner...)
}
