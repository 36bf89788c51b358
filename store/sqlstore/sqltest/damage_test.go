package sqltest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/killtest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// TestDamage flips single bits of a file, of which SQLite notices few. Load,
// All and Owned return a session as it was saved or not at all, but for an
// expiry that is off by less than ten minutes.
func TestDamage(t *testing.T) {
	const sessions = 40
	flips := killtest.Flips(250)
	dir := t.TempDir()
	file := filepath.Join(dir, "sessions.sqlite")
	saved := make(map[store.Key]store.Record)
	db := openDB(t, dsn(file))
	s := newStore(t, db)
	for range sessions {
		k, r := randomKey(), record("")
		r.Owner, r.Data = "ann", []byte(strings.Repeat(k.String(), 15))
		v, err := s.Save(t.Context(), k, r)
		require.NoError(t, err)
		r.Version = v
		saved[k] = r
	}
	_, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	require.NoError(t, err)
	sound, err := os.ReadFile(file)
	require.NoError(t, err)

	corrupt := 0
	for i := range flips {
		damaged, bit := bytes.Clone(sound), rand.IntN(8*len(sound))
		damaged[bit/8] ^= 1 << (bit % 8)
		file := filepath.Join(dir, fmt.Sprint(i))
		require.NoError(t, os.WriteFile(file, damaged, 0o600))
		db := openDB(t, dsn(file))
		s := sqlstore.New(db, sqlstore.SQLite())
		check := func(k store.Key, got store.Record) {
			want, ok := saved[k]
			require.True(t, ok, "bit %d: a key that was never saved", bit)
			require.WithinDuration(t, want.Expires, got.Expires, 10*time.Minute, "bit %d", bit)
			want.Expires, got.Expires = time.Time{}, time.Time{}
			require.Equal(t, want, got, "bit %d", bit)
		}
		for k := range saved {
			r, err := s.Load(t.Context(), k)
			if err == nil {
				check(k, r)
			}
			if errors.Is(err, store.ErrCorrupt) {
				corrupt++
			}
		}
		for e, err := range s.All(t.Context()) {
			if err == nil {
				check(e.Key, e.Record)
			}
		}
		for e, err := range s.Owned(t.Context(), "ann") {
			if err == nil {
				check(e.Key, e.Record)
			}
		}
		_ = s.Close()
		require.NoError(t, db.Close())
		require.NoError(t, os.Remove(file))
	}
	t.Logf("soak: %d bits flipped in an SQLite file: 0 changed what was returned, %d sessions were ErrCorrupt", flips, corrupt)
	require.NotZero(t, corrupt)
}

func randomKey() (k store.Key) {
	for i := range k {
		k[i] = byte(rand.Uint32())
	}
	return k
}
