package natstest

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/killtest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/natsstore"
)

// TestDamage flips single bits in the file that has the sessions' messages. A
// session is as it was saved or not there: the server has a checksum for each
// message.
func TestDamage(t *testing.T) {
	t.Parallel()
	const sessions = 40
	flips := killtest.Flips(15)
	opts := options(t.TempDir())
	srv := start(t, opts)
	s := open(t, connect(t, srv.ClientURL()), natsstore.WithBucket("damaged"))
	saved := make(map[store.Key]store.Record)
	for n := range sessions {
		r := record(strings.Repeat(key(n).String(), 15))
		r.Owner = "ann"
		var err error
		r.Version, err = s.Save(t.Context(), key(n), r)
		require.NoError(t, err)
		if n%4 == 0 {
			require.NoError(t, s.Delete(t.Context(), key(n)))
			continue
		}
		saved[key(n)] = r
	}
	stop(srv)

	gone, refused := 0, 0
	for range flips {
		dir := t.TempDir()
		require.NoError(t, os.CopyFS(dir, os.DirFS(opts.StoreDir)))
		flip(t, dir)
		s, end, err := openDamaged(t, dir)
		if err != nil {
			refused++
			end()
			continue
		}
		for n := range sessions {
			want, ok := saved[key(n)]
			got, err := s.Load(t.Context(), key(n))
			switch {
			case err != nil:
				if ok {
					gone++
				}
			case !ok:
				t.Errorf("a session that had logged out is back: %v", key(n))
			default:
				require.WithinDuration(t, want.Expires, got.Expires, 0)
				want.Expires, got.Expires = time.Time{}, time.Time{}
				require.Equal(t, want, got)
			}
		}
		end()
		require.NoError(t, os.RemoveAll(dir))
	}
	t.Logf("soak: %d bits flipped in a file of NATS: 0 changed what was returned, %d sessions were gone, %d times the bucket could not be opened",
		flips, gone, refused)
}

// openDamaged opens the bucket in a process of its own, so that the memory of many
// servers is given back. end closes it.
func openDamaged(t *testing.T, dir string) (s *natsstore.Store, end func(), err error) {
	port := freePort(t)
	kill, err := launchServer(t, port, dir)
	if err != nil {
		return nil, kill, err
	}
	nc, err := dial(fmt.Sprintf("nats://127.0.0.1:%d", port), 0)
	if err != nil {
		return nil, kill, err
	}
	end = func() {
		nc.Close()
		kill()
	}
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	s, err = natsstore.Open(t.Context(), js, natsstore.WithBucket("damaged"))
	return s, end, err
}

// flip flips a bit of the largest file of messages below dir.
func flip(t *testing.T, dir string) {
	var largest string
	var size int64
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".blk" {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > size {
			largest, size = name, info.Size()
		}
		return err
	}))
	require.NotEmpty(t, largest)
	data, err := os.ReadFile(largest)
	require.NoError(t, err)
	bit := rand.IntN(8 * len(data))
	data[bit/8] ^= 1 << (bit % 8)
	require.NoError(t, os.WriteFile(largest, data, 0o600))
}
