package sqlstore

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

// TestChecksum requires another checksum for each single bit that differs, and
// when a byte moves from the owner to the data.
func TestChecksum(t *testing.T) {
	k, owner, data := store.Key{1, 2, 3}, []byte("ann"), []byte("data")
	const version = 1 << 61
	good := checksum(k, version, owner, data)
	flipped := func(b []byte) {
		for i := range 8 * len(b) {
			b[i/8] ^= 1 << (i % 8)
			require.NotEqual(t, good, checksum(k, version, owner, data))
			b[i/8] ^= 1 << (i % 8)
		}
	}
	flipped(k[:])
	flipped(owner)
	flipped(data)
	for bit := range 63 {
		require.NotEqual(t, good, checksum(k, version^1<<bit, owner, data))
	}
	require.NotEqual(t, good, checksum(k, version, []byte("annd"), []byte("ata")))
	require.Equal(t, good, checksum(k, version, owner, data))
}

func TestOwnerTooLong(t *testing.T) {
	_, err := columnsOf(store.Key{}, 1, store.Record{Owner: string(make([]byte, store.MaxOwner+1))})
	require.EqualError(t, err, "sqlstore: the owner has 256 bytes, more than 255")
}
