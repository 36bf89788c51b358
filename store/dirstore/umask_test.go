//go:build unix

package dirstore_test

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
)

func init() { roles["umask"] = underUmask }

// underUmask makes a store with sessions. The umask is that of the whole
// process, so this is one of its own.
func underUmask(args []string) error {
	mask, err := strconv.ParseInt(args[1], 8, 32)
	if err != nil {
		return err
	}
	syscall.Umask(int(mask))
	s, err := dirstore.Open(args[0])
	if err != nil {
		return err
	}
	r := store.Record{Expires: time.Now().Add(time.Hour), Owner: "ann", Data: []byte("data")}
	for i := range 20 {
		if _, err := s.Save(ctx, key(i), r); err != nil {
			return err
		}
	}
	m, err := s.Mount("shop")
	if err != nil {
		return err
	}
	_, err = m.Save(ctx, key(0), r)
	return err
}

func TestUmask(t *testing.T) {
	for _, mask := range []string{"000", "022", "077", "277", "777"} {
		dir := filepath.Join(t.TempDir(), "sessions")
		require.NoError(t, process(t, "umask", dir, mask).Run())
		n := 0
		require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			want := fs.FileMode(0o600)
			if d.IsDir() {
				want = fs.ModeDir | 0o700
			}
			if info.Mode() != want {
				return fmt.Errorf("umask %s: %s has the mode %v, not %v", mask, name, info.Mode(), want)
			}
			n++
			return nil
		}))
		require.Greater(t, n, 60)
	}
}
