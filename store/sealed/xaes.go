package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
)

// XAES-256-GCM, after https://c2sp.org/XAES-256-GCM: AES-256-GCM under a key
// derived from the first half of a nonce of 24 bytes, the second half being its
// own nonce. Random nonces of AES-GCM, which are shorter, may repeat after 2³²
// messages under one key; a busy site saves as many in a few months. These do
// not repeat.
const (
	nonceLen = 24
	tagLen   = 16
)

// An xaes derives keys from one.
type xaes struct {
	block cipher.Block
	k1    [aes.BlockSize]byte // the first subkey of CMAC
}

func newXAES(key [keyLen]byte) xaes {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the length is right
	}
	x := xaes{block: block}
	block.Encrypt(x.k1[:], x.k1[:])
	msb := 0
	for i := len(x.k1) - 1; i >= 0; i-- {
		msb, x.k1[i] = int(x.k1[i]>>7), x.k1[i]<<1|byte(msb)
	}
	x.k1[len(x.k1)-1] ^= byte(msb * 0x87)
	return x
}

// derive returns AES-GCM for nonces that begin as this one does.
func (x *xaes) derive(nonce *[nonceLen]byte) cipher.AEAD {
	var key [2 * aes.BlockSize]byte
	for i, half := range [][]byte{key[:aes.BlockSize], key[aes.BlockSize:]} {
		copy(half, []byte{0, byte(i + 1), 'X', 0})
		copy(half[4:], nonce[:12])
		subtle.XORBytes(half, half, x.k1[:])
		x.block.Encrypt(half, half)
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // the length is right
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the block size that GCM wants
	}
	return aead
}

// seal appends the ciphertext and the tag to dst.
func (x *xaes) seal(dst []byte, nonce [nonceLen]byte, text, additional []byte) []byte {
	return x.derive(&nonce).Seal(dst, nonce[12:], text, additional)
}

// open decrypts in place.
func (x *xaes) open(text []byte, nonce [nonceLen]byte, additional []byte) ([]byte, error) {
	return x.derive(&nonce).Open(text[:0], nonce[12:], text, additional)
}
