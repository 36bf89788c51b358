package sealed

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestXAES checks the vectors of the specification; the two keys differ in
// which way their subkey is made.
func TestXAES(t *testing.T) {
	nonce := [nonceLen]byte([]byte("ABCDEFGHIJKLMNOPQRSTUVWX"))
	for _, v := range []struct {
		key        byte
		additional string
		want       string
	}{
		{1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		x := newXAES([keyLen]byte(bytes.Repeat([]byte{v.key}, keyLen)))
		text := x.seal(nil, nonce, []byte("XAES-256-GCM"), []byte(v.additional))
		assert.Equal(t, v.want, hex.EncodeToString(text))
		got, err := x.open(text, nonce, []byte(v.additional))
		require.NoError(t, err)
		assert.Equal(t, "XAES-256-GCM", string(got))
	}
}
