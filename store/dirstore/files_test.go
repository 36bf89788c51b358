package dirstore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
)

// TestNothingLeft sees that sessions which ended leave no files.
func TestNothingLeft(t *testing.T) {
	s := open(t, t.TempDir())
	sessions := func() (names []string) {
		for _, part := range []string{"data", "own", "tmp"} {
			names = append(names, files(t, filepath.Join(s.Path(), part))...)
		}
		return names
	}
	r := owned("ann", "data")
	r.Version = save(t, s, key(1), r)
	r.Owner = "bob"
	r.Version = save(t, s, key(1), r)
	require.Len(t, sessions(), 2, "a session and a mark")
	r.Durable = true
	save(t, s, key(1), r)
	require.Len(t, sessions(), 2, "a session and a mark")

	require.NoError(t, s.Delete(t.Context(), key(1)))
	save(t, s, key(2), owned("ann", "data"))
	saveExpired(t, s, key(3), owned("ann", "data"))
	saveExpired(t, s, key(4), owned("bob", "data"))
	n, err := s.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n, "the live ones count")
	n, err = s.DeleteOwned(t.Context(), "ann")
	require.NoError(t, err)
	require.Equal(t, 1, n, "the live ones count")
	n, err = s.Sweep(t.Context(), 10)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Empty(t, sessions())
	owners, err := os.ReadDir(filepath.Join(s.Path(), "own"))
	require.NoError(t, err)
	require.Empty(t, owners)
}

// saveExpired returns when the session that it saves has expired.
func saveExpired(t *testing.T, s *dirstore.Store, k store.Key, r store.Record) {
	t.Helper()
	for patience := 20 * time.Millisecond; ; patience *= 2 {
		r.Expires = time.Now().Add(patience)
		save(t, s, k, r)
		if _, err := os.Stat(file(s.Path(), k)); err == nil { // it was saved in time
			time.Sleep(time.Until(r.Expires) + time.Millisecond)
			return
		}
	}
}

// TestOrphans sees that Sweep and Open remove old temporary files, and only
// these.
func TestOrphans(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	orphan := func(name string, age time.Duration) string {
		name = filepath.Join(dir, "tmp", name)
		require.NoError(t, os.WriteFile(name, []byte("half a sess"), 0o600))
		require.NoError(t, os.Chtimes(name, time.Time{}, time.Now().Add(-age)))
		return name
	}
	old, young := orphan("old", 2*time.Hour), orphan("young", time.Minute)
	_, err := s.Sweep(t.Context(), 1)
	require.NoError(t, err)
	assert.NoFileExists(t, old)
	old = orphan("old", 2*time.Hour)
	open(t, dir)
	assert.NoFileExists(t, old)
	assert.FileExists(t, young)
}

// TestDistantExpiry sees that an expiry which no number of microseconds says is
// distant, and one as long ago past, for Save and for Touch.
func TestDistantExpiry(t *testing.T) {
	s := open(t, t.TempDir())
	now := time.Now()
	age := time.Date(559444, 1, 1, 0, 0, 0, 0, time.UTC).Unix() - now.Unix()
	for n, distant := range []time.Time{time.Unix(now.Unix()+age, 0), time.Unix(1<<62, 0)} {
		saved, touched := key(2*n), key(2*n+1)
		save(t, s, saved, store.Record{Expires: distant})
		save(t, s, touched, record("data"))
		require.NoError(t, s.Touch(t.Context(), touched, distant))
		for _, k := range []store.Key{saved, touched} {
			r, err := s.Load(t.Context(), k)
			require.NoError(t, err)
			assert.Equal(t, time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC), r.Expires.UTC())
		}
	}
	for n, past := range []time.Time{time.Unix(now.Unix()-age, 0), time.Unix(-1<<62, 0), {}} {
		gone, kept := key(10+2*n), key(11+2*n)
		save(t, s, gone, store.Record{Expires: past})
		_, err := s.Load(t.Context(), gone)
		assert.ErrorIs(t, err, store.ErrNotFound)
		r := record("data")
		save(t, s, kept, r)
		require.NoError(t, s.Touch(t.Context(), kept, past))
		got, err := s.Load(t.Context(), kept)
		require.NoError(t, err)
		assert.WithinDuration(t, r.Expires, got.Expires, 0)
	}
	n, err := s.Sweep(t.Context(), 10)
	require.NoError(t, err)
	assert.Zero(t, n)
	n, err = s.Count(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 7, n)
}

func TestOpenRefuses(t *testing.T) {
	_, err := dirstore.Open("")
	require.EqualError(t, err, "dirstore: the path is empty; name the directory for the sessions")
	_, err = dirstore.Open(t.TempDir(), nil)
	require.EqualError(t, err, "dirstore: an option is nil; leave it out")

	dir := t.TempDir()
	name := filepath.Join(dir, "thesis.tex")
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	_, err = dirstore.Open(dir)
	require.EqualError(t, err, "dirstore: "+dir+` holds other things, such as "thesis.tex"; give the sessions a directory of their own`)
	_, err = dirstore.Open(name)
	require.EqualError(t, err, "dirstore: "+name+" is a file; give the sessions a directory of their own")
	_, err = dirstore.Open(filepath.Join(name, "below"))
	require.ErrorContains(t, err, name)

	dir = filepath.Join(t.TempDir(), "deep", "down")
	open(t, dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "format"), []byte("sesame dirstore 1\n"), 0o600))
	_, err = dirstore.Open(dir)
	require.ErrorContains(t, err, "dirstore: "+dir+" is of another format")
	require.ErrorContains(t, err, "give the sessions another directory")
}

func TestClose(t *testing.T) {
	dir := t.TempDir()
	s, err := dirstore.Open(dir)
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, s.Close())
	}
	require.NoError(t, os.RemoveAll(dir))
	_, err = s.Load(t.Context(), key(1))
	require.ErrorIs(t, err, os.ErrClosed)
	_, err = s.Save(t.Context(), key(1), record("data"))
	require.ErrorIs(t, err, os.ErrClosed)
	_, err = s.Count(t.Context())
	require.ErrorIs(t, err, os.ErrClosed)
	_, err = s.Mount("shop")
	require.ErrorIs(t, err, os.ErrClosed)
}

// TestWaitEnds sees that a call that waits for a lock ends with its context.
func TestWaitEnds(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	k := key(1)
	save(t, s, k, record("data"))
	dirstore.Lock(t, open(t, dir), k, func() { // as another process would
		short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		assert.ErrorIs(t, s.Delete(short, k), context.DeadlineExceeded)
		_, err := s.Load(t.Context(), k)
		assert.NoError(t, err, "loading needs no lock")
	})
	assert.NoError(t, s.Delete(t.Context(), k))
}

func TestTooBig(t *testing.T) {
	s := open(t, t.TempDir())
	r := record("")
	r.Data = make([]byte, 64<<20+1)
	_, err := s.Save(t.Context(), key(1), r)
	require.EqualError(t, err, fmt.Sprintf("dirstore: the data has %d bytes, more than %d", 64<<20+1, 64<<20))
}
