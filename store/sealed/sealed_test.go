package sealed_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
	"github.com/sesame-go/sesame/store/sealed"
	"github.com/sesame-go/sesame/store/storetest"
)

// secret returns the n-th of some keys.
func secret(n byte) []byte {
	key := make([]byte, 32)
	for i := range key {
		key[i] = n + byte(i)
	}
	return key
}

func seal(t testing.TB, inner store.Store, keys ...[]byte) *sealed.Store {
	t.Helper()
	s, err := sealed.New(inner, keys...)
	require.NoError(t, err)
	return s
}

func record(data string) store.Record {
	return store.Record{Expires: time.Now().Add(time.Hour), Data: []byte(data)}
}

func save(t testing.TB, s store.Store, k store.Key, r store.Record) uint64 {
	t.Helper()
	v, err := s.Save(t.Context(), k, r)
	require.NoError(t, err)
	return v
}

func load(t testing.TB, s store.Store, k store.Key) store.Record {
	t.Helper()
	r, err := s.Load(t.Context(), k)
	require.NoError(t, err)
	return r
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return seal(t, memstore.New(), secret(1)) })
}

// TestBare runs the suite over a store without any optional interface.
func TestBare(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		return seal(t, struct{ store.Store }{memstore.New()}, secret(1))
	})
}

// TestSecret sees that the data is nowhere in the inner store, and that equal
// data is not equal there.
func TestSecret(t *testing.T) {
	inner := memstore.New()
	s := seal(t, inner, secret(1))
	r := record("a secret of some length")
	r.Owner = "ann"
	r.Version = save(t, s, store.Key{1}, r)
	boxes := [][]byte{load(t, inner, store.Key{1}).Data}
	save(t, s, store.Key{1}, r)
	save(t, s, store.Key{2}, record("a secret of some length"))
	boxes = append(boxes, load(t, inner, store.Key{1}).Data, load(t, inner, store.Key{2}).Data)
	for i, box := range boxes {
		assert.Len(t, box, 1+12+len(r.Data)+16)
		assert.NotContains(t, string(box), "secret")
		for _, other := range boxes[i+1:] {
			assert.NotEqual(t, box[1:13], other[1:13], "a nonce was used again")
			assert.NotEqual(t, box[13:], other[13:])
		}
	}
}

// TestFormat opens a sealed session with the standard library alone.
func TestFormat(t *testing.T) {
	inner := memstore.New()
	k := store.Key{1, 2, 3}
	r := record("data")
	r.Owner = "ann"
	save(t, seal(t, inner, secret(1)), k, r)
	box := load(t, inner, k).Data

	require.Equal(t, byte(2), box[0])
	own, err := hkdf.Expand(sha256.New, secret(1), "sesame sealed 2 "+string(k[:]), 32)
	require.NoError(t, err)
	block, err := aes.NewCipher(own)
	require.NoError(t, err)
	aead, err := cipher.NewGCM(block)
	require.NoError(t, err)
	data, err := aead.Open(nil, box[1:13], box[13:], append(k[:], "ann"...))
	require.NoError(t, err)
	assert.Equal(t, "data", string(data))
}

// TestImmutable sees that data is changed neither on its way in nor on its way
// out: memstore keeps the slice that it is given, and hands it out.
func TestImmutable(t *testing.T) {
	inner := memstore.New()
	s := seal(t, inner, secret(1))
	r := record("data")
	r.Owner = "ann"
	save(t, s, store.Key{1}, r)
	assert.Equal(t, "data", string(r.Data))

	kept := load(t, inner, store.Key{1}).Data
	before := bytes.Clone(kept)
	for range 2 {
		assert.Equal(t, "data", string(load(t, s, store.Key{1}).Data))
		for e, err := range s.All(t.Context()) {
			require.NoError(t, err)
			assert.Equal(t, "data", string(e.Data))
		}
		for e, err := range s.Owned(t.Context(), "ann") {
			require.NoError(t, err)
			assert.Equal(t, "data", string(e.Data))
		}
	}
	_, err := seal(t, inner, secret(2)).Load(t.Context(), store.Key{1})
	assert.ErrorIs(t, err, store.ErrCorrupt)
	assert.Equal(t, before, kept)
}

func TestKeyRing(t *testing.T) {
	inner := memstore.New()
	old, k := seal(t, inner, secret(1)), store.Key{1}
	r := record("data")
	r.Version = save(t, old, k, r)

	both := seal(t, inner, secret(2), secret(1))
	assert.Equal(t, "data", string(load(t, both, k).Data))
	assert.Equal(t, "data", string(load(t, seal(t, inner, secret(3), secret(2), secret(1)), k).Data))
	save(t, both, k, r)

	assert.Equal(t, "data", string(load(t, seal(t, inner, secret(2)), k).Data))
	_, err := old.Load(t.Context(), k)
	assert.ErrorIs(t, err, store.ErrCorrupt)
	assert.ErrorContains(t, err, "sealed: none of the 1 keys opens this session")
}

// TestKeysAreTheStores sees that a key may be erased once New has it.
func TestKeysAreTheStores(t *testing.T) {
	key := secret(1)
	s := seal(t, memstore.New(), key)
	save(t, s, store.Key{1}, record("data"))
	clear(key)
	assert.Equal(t, "data", string(load(t, s, store.Key{1}).Data))
}

// TestTampered changes each bit of a record, cuts it everywhere and more.
func TestTampered(t *testing.T) {
	inner := memstore.New()
	s := seal(t, inner, secret(1), secret(2))
	k := store.Key{1}
	r := record("data")
	r.Owner = "ann"
	save(t, s, k, r)
	good := load(t, inner, k).Data

	opens := func(data []byte) bool {
		r := load(t, inner, k)
		r.Data = data
		save(t, inner, k, r)
		r, err := s.Load(t.Context(), k)
		if err == nil {
			return true
		}
		require.ErrorIs(t, err, store.ErrCorrupt)
		require.Equal(t, store.Record{}, r)
		return false
	}
	require.True(t, opens(good))
	for bit := range 8 * len(good) {
		bad := bytes.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		require.False(t, opens(bad), "bit %d", bit)
	}
	for n := range good {
		require.False(t, opens(good[:n]), "%d bytes", n)
	}
	require.False(t, opens(append(bytes.Clone(good), 0)))
	require.False(t, opens([]byte("plain text, longer than what a sealed record has at least")))

	// It does not end a walk, and can be removed.
	save(t, s, store.Key{2}, r)
	want := map[store.Key]string{k: "", {2}: "data"}
	for _, walk := range []iter.Seq2[store.Entry, error]{s.All(t.Context()), s.Owned(t.Context(), "ann")} {
		got := make(map[store.Key]string)
		for e, err := range walk {
			require.NoError(t, err)
			assert.NotZero(t, e.Version)
			got[e.Key] = string(e.Data)
		}
		assert.Equal(t, want, got)
	}
	require.True(t, opens(good))
	require.False(t, opens(good[1:]))
	n, err := s.DeleteOwned(t.Context(), "ann")
	require.NoError(t, err)
	assert.Equal(t, 2, n)
}

// TestSwapped puts records in each other's place and gives them to others.
func TestSwapped(t *testing.T) {
	inner := memstore.New()
	s := seal(t, inner, secret(1))
	a, b := store.Key{1}, store.Key{2}
	save(t, s, a, record("a"))
	save(t, s, b, record("b"))
	put := func(k store.Key, data []byte, owner string) error {
		r := load(t, inner, k)
		r.Data, r.Owner = data, owner
		save(t, inner, k, r)
		_, err := s.Load(t.Context(), k)
		return err
	}
	ofA, ofB := load(t, inner, a).Data, load(t, inner, b).Data
	assert.ErrorIs(t, put(a, ofB, ""), store.ErrCorrupt)
	assert.ErrorIs(t, put(b, ofA, ""), store.ErrCorrupt)
	assert.ErrorIs(t, put(a, ofA, "admin"), store.ErrCorrupt)
	assert.NoError(t, put(a, ofA, ""))
	assert.NoError(t, put(b, ofB, ""))
}

func TestKeysRefused(t *testing.T) {
	for want, keys := range map[string][][]byte{
		"sealed: no key: give New at least one": nil,
		"key 1 of 1 has 0 bytes, not 32":        {{}},
		"key 1 of 1 has 16 bytes, not 32":       {make([]byte, 16)},
		"key 2 of 2 has 44 bytes, not 32":       {secret(1), make([]byte, 44)},
		"key 1 of 1 is one byte 32 times":       {make([]byte, 32)},
	} {
		_, err := sealed.New(memstore.New(), keys...)
		assert.ErrorContains(t, err, want)
	}
	_, err := sealed.New(nil, secret(1))
	assert.ErrorContains(t, err, "no store to wrap")
}

// failing is a store whose calls fail.
type failing struct {
	*memstore.Store
	err error
}

func (f failing) Load(context.Context, store.Key) (store.Record, error) {
	return store.Record{Data: []byte("what comes with an error does not count")}, f.err
}

func (f failing) Save(context.Context, store.Key, store.Record) (uint64, error) { return 0, f.err }

func (f failing) All(context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) { yield(store.Entry{}, f.err) }
}

// TestErrors sees that the inner store's errors come through.
func TestErrors(t *testing.T) {
	for _, want := range []error{store.ErrNotFound, store.ErrExpired, store.ErrConflict, store.ErrFull, context.Canceled} {
		s := seal(t, failing{memstore.New(), want}, secret(1))
		r, err := s.Load(t.Context(), store.Key{1})
		assert.Equal(t, want, err)
		assert.Equal(t, store.Record{}, r)
		_, err = s.Save(t.Context(), store.Key{1}, record("data"))
		assert.Equal(t, want, err)
		for _, err := range s.All(t.Context()) {
			assert.Equal(t, want, err)
		}
	}
}
