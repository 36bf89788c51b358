package documented

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"time"
)

// The block.

func Test(t *testing.T) {
	const token = "EIVIDPXDJXB3KPEX2GANMZC3AR"
	key := sha256.Sum256([]byte("sesame/v1/id" + token))
	if got := base64.RawURLEncoding.EncodeToString(key[:]); got != "zrZM6jCMrO_eDsNoPP3kywhZV-anQIiTLSA6lB2Hfhg" {
		t.Errorf("key %s", got)
	}
	data, err := hex.DecodeString("010200000001a205bf3dc9000001a20ae599c9000000000036ee80" +
		"9b93d8fadb577997eba3ee181a5965a87b2275736572223a22616e6e222c2263617274223a5b22746561225d7d")
	if err != nil {
		t.Fatal(err)
	}
	binding := sha256.Sum256([]byte("sesame/v1/binding" + token))
	if string(data[27:43]) != string(binding[:16]) {
		t.Error("the binding is not the token's")
	}
	codec, created, deadline, idle, payload, err := read(data)
	if err != nil || codec != 2 || idle != time.Hour || deadline.Sub(created) != 24*time.Hour ||
		!created.Equal(time.Date(2026, 11, 23, 0, 12, 29, 1e6, time.UTC)) ||
		string(payload) != `{"user":"ann","cart":["tea"]}` {
		t.Errorf("read as %d, %s, %s, %s, %s, %v", codec, created, deadline, idle, payload, err)
	}
	for at, b := range map[int]byte{0: 2, 2: 2} {
		bad := append([]byte(nil), data...)
		bad[at] = b
		if _, _, _, _, _, err := read(bad); err == nil {
			t.Errorf("byte %d may be %d", at, b)
		}
	}
}
