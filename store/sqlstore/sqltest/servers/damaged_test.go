package servers

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
)

// TestDamaged changes each column of a row behind the store's back. The session
// is reported as damaged and never served, the others go on, and Delete cures it.
func TestDamaged(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s, db, name := e.store(t)
		r := record("data")
		r.Owner = "ann"
		for n, change := range []string{
			"ver = ver", // none
			"ver = ver + 1",
			"slot = slot + 1",
			"exp = exp + 3600000",
			"crc = CASE crc WHEN 1 THEN 2 ELSE 1 END",
			"owner = data",
			"owner = NULL",
			"data = owner",
		} {
			_, err := s.Save(t.Context(), key(1), r)
			require.NoError(t, err)
			_, err = db.Exec("UPDATE " + name + " SET " + change)
			require.NoError(t, err, change)
			_, err = s.Save(t.Context(), key(2), r)
			require.NoError(t, err)
			_, err = s.Load(t.Context(), key(1))
			want := 1
			if n == 0 {
				require.NoError(t, err)
				want = 2
			} else {
				require.ErrorIs(t, err, store.ErrCorrupt, change)
			}
			for what, walk := range map[string]func(func(store.Entry, error) bool){"All": s.All(t.Context()), "Owned": s.Owned(t.Context(), "ann")} {
				found := 0
				walk(func(e store.Entry, err error) bool {
					require.NoError(t, err, "%s: %s", what, change)
					require.Equal(t, "data", string(e.Data), "%s: %s", what, change)
					found++
					return true
				})
				require.Equal(t, want, found, "%s: %s", what, change)
			}
			for n := range 2 {
				require.NoError(t, s.Delete(t.Context(), key(1+n)))
			}
			_, err = s.Load(t.Context(), key(1))
			require.ErrorIs(t, err, store.ErrNotFound)
		}
	})
}
