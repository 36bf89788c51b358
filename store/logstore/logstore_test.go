package logstore_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/records/recordstest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/logstore"
	"github.com/sesame-go/sesame/store/storetest"
)

var _ interface {
	recordstest.Store
	io.Closer
} = (*logstore.Store)(nil)

// TestStore runs the suite on a log that is compacted all the time. When it is
// synced makes no difference to who sees what; TestPowerLoss has all modes.
func TestStore(t *testing.T) {
	open := func(t *testing.T, opts ...logstore.Option) store.Store {
		opts = append(opts, logstore.WithSync(logstore.Interval(time.Millisecond)), logstore.WithCompactFrom(0))
		return opened(t, filepath.Join(t.TempDir(), "sessions.db"), opts...)
	}
	storetest.Run(t, func(t *testing.T) store.Store { return open(t) },
		storetest.Bounded(func(t *testing.T, records int) store.Store {
			return open(t, logstore.WithMaxSessions(records))
		}),
		storetest.Bounded(func(t *testing.T, records int) store.Store {
			return open(t, logstore.WithMaxBytes(int64(records)*1208)) // 1,000 of data, 8 of the owner's
		}),
	)
}

// opened opens a store and closes it at the end of the test.
func opened(t *testing.T, path string, opts ...logstore.Option) *logstore.Store {
	t.Helper()
	s, err := logstore.Open(path, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

// key returns the n-th of as many keys as one likes.
var key = recordstest.Key

func save(t *testing.T, s *logstore.Store, n int, lives time.Duration, owner string) uint64 {
	t.Helper()
	v, err := s.Save(t.Context(), key(n), store.Record{Expires: time.Now().Add(lives), Owner: owner})
	require.NoError(t, err)
	return v
}

func has(t *testing.T, s *logstore.Store, n int) bool {
	t.Helper()
	_, err := s.Load(t.Context(), key(n))
	if err != nil {
		require.ErrorIs(t, err, store.ErrNotFound)
	}
	return err == nil
}

// TestReopen sees that everything is there again: what was saved, extended,
// renewed and removed, and whose it is.
func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	ctx := t.Context()
	s := opened(t, path)
	assert.Zero(t, s.Recovery())
	r := store.Record{Expires: time.Now().Add(time.Hour).Truncate(time.Microsecond), Owner: "ann", Data: []byte("kept")}
	var err error
	r.Version, err = s.Save(ctx, key(1), r)
	require.NoError(t, err)
	for n := 2; n < 8; n++ {
		save(t, s, n, time.Hour, "bob")
	}
	r.Expires = r.Expires.Add(time.Hour)
	require.NoError(t, s.Touch(ctx, key(1), r.Expires))
	require.NoError(t, s.Delete(ctx, key(2)))
	renewed, err := s.Load(ctx, key(3))
	require.NoError(t, err)
	renewed.Owner, renewed.Durable = "carol", true
	last, err := s.Save(ctx, key(3), renewed)
	require.NoError(t, err)
	n, err := s.DeleteOwned(ctx, "bob", key(4))
	require.NoError(t, err)
	assert.Equal(t, 3, n)
	require.NoError(t, s.Close())

	s = opened(t, path)
	got, err := s.Load(ctx, key(1))
	require.NoError(t, err)
	assert.True(t, r.Expires.Equal(got.Expires))
	got.Expires = r.Expires
	assert.Equal(t, r, got)
	assert.Equal(t, 3, s.Len())
	assert.True(t, has(t, s, 4))
	for owner, want := range map[string]store.Key{"ann": key(1), "bob": key(4), "carol": key(3)} {
		for e, err := range s.Owned(ctx, owner) {
			require.NoError(t, err)
			assert.Equal(t, want, e.Key)
		}
	}
	assert.Empty(t, s.Recovery().Damage)
	assert.Greater(t, save(t, s, 2, time.Hour, ""), last, "versions must not begin again")
}

// TestExpiredAreGone sees that sessions which expired while the file was closed
// do not come back, and those that were extended do.
func TestExpiredAreGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	synctest.Test(t, func(t *testing.T) { // no time passes while the disk works
		s := opened(t, path)
		save(t, s, 1, 50*time.Millisecond, "ann")
		save(t, s, 2, 50*time.Millisecond, "")
		require.NoError(t, s.Touch(t.Context(), key(2), time.Now().Add(time.Hour)))
		require.NoError(t, s.Close())
		time.Sleep(60 * time.Millisecond)
		s = opened(t, path)
		assert.Equal(t, 1, s.Len())
		assert.True(t, has(t, s, 2))
	})
}

// TestDistantExpiry sees that an expiry that no number of microseconds says is
// distant, and one as long ago past.
func TestDistantExpiry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	s := opened(t, path)
	distant, past := time.Unix(1<<62, 0), time.Unix(-1<<62, 0)
	_, err := s.Save(t.Context(), key(1), store.Record{Expires: distant})
	require.NoError(t, err)
	save(t, s, 2, time.Hour, "")
	require.NoError(t, s.Touch(t.Context(), key(2), past))
	require.NoError(t, s.Touch(t.Context(), key(2), distant))
	for _, expires := range []time.Time{past, {}} {
		_, err = s.Save(t.Context(), key(3), store.Record{Expires: expires})
		require.NoError(t, err)
		assert.False(t, has(t, s, 3))
	}
	for range 2 {
		for n := 1; n <= 2; n++ {
			r, err := s.Load(t.Context(), key(n))
			require.NoError(t, err)
			assert.Equal(t, time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC), r.Expires.UTC())
		}
		require.NoError(t, s.Close())
		s = opened(t, path)
	}
}

func TestVersionsAreNotReused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	seen := make(map[uint64]bool)
	for round := range 5 {
		s := opened(t, path, logstore.WithCompactFrom(0))
		for range 3 {
			v := save(t, s, 1, time.Hour, "")
			require.False(t, seen[v], "round %d", round)
			seen[v] = true
			require.NoError(t, s.Delete(t.Context(), key(1)))
		}
		require.NoError(t, s.Close())
	}
}

func TestForeignFile(t *testing.T) {
	for name, content := range map[string]string{
		"text":      "do not lose me\n",
		"short":     "sesame",
		"later":     "sesame log 3\r\n\x1a\x00" + strings.Repeat("x", 100),
		"text mode": "sesame log 1\n\x1a\x00" + strings.Repeat("x", 100),
	} {
		path := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
		_, err := logstore.Open(path)
		require.ErrorContains(t, err, "logstore: "+path+": it ", name)
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, content, string(got), name)
	}
	_, err := logstore.Open(t.TempDir())
	assert.ErrorContains(t, err, "logstore: ")
	_, err = logstore.Open(filepath.Join(t.TempDir(), "missing", "file"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestEmptyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	save(t, opened(t, path), 1, time.Hour, "")
}

func TestClosed(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "sessions.db"))
	save(t, s, 1, time.Hour, "ann")
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	ctx := t.Context()
	_, load := s.Load(ctx, key(1))
	_, create := s.Save(ctx, key(2), store.Record{})
	_, count := s.Count(ctx)
	_, watch := s.Watch(ctx, func(store.Key) {})
	_, removed := s.DeleteOwned(ctx, "ann")
	_, sweep := s.Sweep(ctx, 1)
	for _, err := range []error{load, create, count, watch, removed, sweep,
		s.Touch(ctx, key(1), time.Now()), s.Delete(ctx, key(1))} {
		assert.ErrorIs(t, err, logstore.ErrClosed)
	}
	for _, err := range s.All(ctx) {
		assert.ErrorIs(t, err, logstore.ErrClosed)
	}
	for _, err := range s.Owned(ctx, "ann") {
		assert.ErrorIs(t, err, logstore.ErrClosed)
	}
}

// TestCloseAnswers sees that Close lets the calls that have begun end.
func TestCloseAnswers(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "sessions.db")
		s := opened(t, path)
		answers := make(chan int)
		for w := range 8 {
			go func() {
				for n := 0; ; n++ {
					_, err := s.Save(context.Background(), key(1_000_000*w+n), store.Record{Expires: time.Now().Add(time.Hour)})
					if err != nil {
						assert.ErrorIs(t, err, logstore.ErrClosed)
						answers <- n
						return
					}
				}
			}()
		}
		time.Sleep(time.Millisecond)
		require.NoError(t, s.Close())
		saved := 0
		for range 8 {
			saved += <-answers
		}
		assert.Equal(t, saved, opened(t, path).Len())
	}
}

func TestFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	s := opened(t, path, logstore.WithMaxSessions(4))
	save(t, s, 0, time.Hour, "ann")
	save(t, s, 1, 30*time.Millisecond, "bob")
	save(t, s, 2, 2*time.Hour, "")
	save(t, s, 3, time.Hour, "")
	time.Sleep(40 * time.Millisecond)
	save(t, s, 4, time.Hour, "ann")
	assert.Equal(t, 4, s.Len(), "what has expired goes first")
	save(t, s, 5, time.Hour, "ann")
	assert.False(t, has(t, s, 3), "then the ownerless that is nearest to its expiry")
	save(t, s, 6, time.Hour, "ann")
	assert.False(t, has(t, s, 2))
	save(t, s, 7, time.Hour, "")
	assert.False(t, has(t, s, 0), "then the oldest of the owner who has most")
	require.NoError(t, s.Close())

	s = opened(t, path, logstore.WithMaxSessions(2))
	assert.Equal(t, 4, s.Len(), "what is in the file stays")
	assert.False(t, has(t, s, 3), "what had to go does not come back")
}

func TestTooLong(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "sessions.db"))
	_, err := s.Save(t.Context(), key(0), store.Record{Owner: strings.Repeat("x", 256)})
	assert.EqualError(t, err, "logstore: the owner has 256 bytes, more than 255")
	_, err = s.Save(t.Context(), key(0), store.Record{Data: make([]byte, 64<<20+1)})
	assert.EqualError(t, err, "logstore: the data has 67108865 bytes, more than 67108864")
	assert.Zero(t, s.Len())
}

func TestOptionsPanic(t *testing.T) {
	for want, f := range map[string]func(){
		"must be positive; leave the option out": func() { logstore.WithMaxSessions(0) },
		"WithMaxBytes(-1)":                       func() { logstore.WithMaxBytes(-1) },
		"a size cannot be negative":              func() { logstore.WithCompactFrom(-1) },
		"a timeout cannot be negative":           func() { logstore.WithLockTimeout(-1) },
		"it must be positive; take Always":       func() { logstore.Interval(0) },
		"take Always, Never or Interval":         func() { logstore.WithSync(-2) },
	} {
		func() {
			defer func() { assert.Contains(t, recover(), want) }()
			f()
		}()
	}
	_ = logstore.WithLogger(slog.Default())
}
