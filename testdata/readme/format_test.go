package documented

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
	"time"
)

// The block.

func Test(t *testing.T) {
	const id = "8XcVt0mJQyWn5dB1kR7q2A"
	data, err := hex.DecodeString("010086b9cd6555d2bc8590c85498e947d826273da70c205fca19c01c9693394d6ebc020001000001a205b61609000001" +
		"a205bf3dc9000001a20ae599c9000000000036ee8000007b2275736572223a22616e6e222c2263617274223a5b22746561225d7d")
	if err != nil {
		t.Fatal(err)
	}
	h, payload, err := read(data)
	renewed := time.Date(2026, 11, 23, 0, 12, 29, 1e6, time.UTC)
	if err != nil || h.remembered || h.codec != 2 || h.schema != 1 || !h.renewed.Equal(renewed) ||
		h.renewed.Sub(h.created) != 10*time.Minute || h.deadline.Sub(h.renewed) != 24*time.Hour || h.idle != time.Hour ||
		len(h.appended) != 0 || string(payload) != `{"user":"ann","cart":["tea"]}` {
		t.Errorf("read as %+v, %s, %v", h, payload, err)
	}
	for token, hash := range map[string][16]byte{id + ".Zc3Hk9xQvTsLw2yPf8uJrg": h.hash, id + ".n0bYdK4eVhGaX7tUoCzm5Q": h.hashBefore} {
		if sum := sha256.Sum256([]byte("sesame/v1/token/" + token)); !bytes.Equal(hash[:], sum[:16]) {
			t.Errorf("the hash of %s is not as documented", token)
		}
	}

	longer := append(bytes.Clone(data[:71]), "\x00\x06devicemore"...)
	longer[70], longer[1] = 12, 3
	h, payload, err = read(append(longer, data[71:]...))
	if err != nil || !h.remembered || !h.bound || string(h.device) != "device" || string(h.appended) != "more" || string(payload) != `{"user":"ann","cart":["tea"]}` {
		t.Errorf("longer: read as %+v, %s, %v", h, payload, err)
	}
	clear(longer[53:61])
	if h, _, _ = read(longer); !h.deadline.IsZero() {
		t.Errorf("no deadline is read as %s", h.deadline)
	}

	for at, b := range map[int]byte{0: 2, 1: 4, 69: 1, 70: 1} {
		bad := bytes.Clone(data)
		bad[at] = b
		if _, _, err := read(bad); err == nil {
			t.Errorf("byte %d may be %d", at, b)
		}
	}
	if _, _, err := read(data[:70]); err == nil {
		t.Error("it may be cut")
	}
}
