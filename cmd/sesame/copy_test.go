package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/cmd/sesame/engine"
	"github.com/sesame-go/sesame/cmd/sesame/engine/enginetest"
	"github.com/sesame-go/sesame/store"
)

// summary is what copy says with --json.
type summary struct {
	New, Updated, Same, Equal, Differ, Missing int
	Later                                      int  `json:"used_later_in_to"`
	Damaged                                    int  `json:"damaged_in_to"`
	Only                                       int  `json:"only_in_to"`
	Ended                                      int  `json:"ended_in_to"`
	Unreadable                                 bool `json:"unreadable_in_from"`
}

// copies runs copy and returns what it says.
func copies(t testing.TB, code int, args ...string) (s summary) {
	t.Helper()
	out := sesameRun(t, append([]string{"copy", "--json"}, args...)...)
	require.Equal(t, code, out.code, "%s%s", out.stdout, out.stderr)
	require.NoError(t, json.Unmarshal([]byte(out.stdout), &s))
	return s
}

// Sessions go through all engines, one after the other, and come out as they
// were; their cookies work everywhere.
func TestCopyThroughAllEngines(t *testing.T) {
	all := places()
	kinds := slices.Sorted(func(yield func(string) bool) {
		for kind := range all {
			if !yield(kind) {
				return
			}
		}
	})
	from := all[kinds[0]](t)
	s := openSite(t, from)
	ann, visitor := s.logIn("ann"), s.logIn("")
	for i := range 50 {
		s.logIn(fmt.Sprintf("user %d", i%7))
	}
	raw := store.Record{Expires: time.Now().Add(time.Hour), Owner: "\xff\x00", Data: []byte("nothing of sesame's")}
	_, err := s.engine.Store.Save(t.Context(), store.Key{1}, raw)
	require.NoError(t, err)
	s.close()
	want := content(t, from)
	require.Len(t, want, 53)

	for _, kind := range kinds[1:] {
		to := all[kind](t)
		require.Equal(t, summary{New: 53, Equal: 53}, copies(t, 0, from, to), "to %s", kind)
		require.Equal(t, summary{Same: 53, Equal: 53}, copies(t, 0, from, to), "to %s", kind)
		require.Equal(t, want, content(t, to), kind)
		s := openSite(t, to)
		require.True(t, s.knows("ann", ann))
		require.True(t, s.knows("", visitor))
		s.close()
		require.Len(t, rows(t, does(t, to, "ls", "--json", "--owner", "user 3")), 7)
		from = to
	}
}

func twoPlaces(t testing.TB) (from, to string) {
	dir := t.TempDir()
	return "sqlite:" + filepath.Join(dir, "from.sqlite"), "dir:" + filepath.Join(dir, "to")
}

// What changed, what ended, what was used later in TO, and what is another's.
func TestCopyAgain(t *testing.T) {
	from, to := twoPlaces(t)
	s := openSite(t, from)
	changed, renewed, ended, moved, same := s.logIn("ann"), s.logIn("bob"), s.logIn("eve"), s.logIn("tom"), s.logIn("zoe")
	prolonged := s.logIn("max")
	s.close()
	require.Equal(t, summary{New: 6, Equal: 6}, copies(t, 0, from, to))

	s = openSite(t, from)
	require.NoError(t, s.UpdateByID(t.Context(), idOf(changed), func(s *Session) error { s.Cart["tea"]++; return nil }))
	renewed = s.renew(renewed)
	require.NoError(t, s.Revoke(t.Context(), idOf(ended)))
	touched, err := store.ParseKey(idOf(prolonged))
	require.NoError(t, err)
	require.NoError(t, s.engine.Store.Touch(t.Context(), touched, time.Now().Add(2*time.Hour)))
	s.close()
	target := openSite(t, to)
	time.Sleep(2 * time.Millisecond)
	movedOn := target.renew(moved)
	other := target.logIn("a user of TO")
	target.close()

	require.Equal(t, summary{Updated: 3, Same: 1, Equal: 4, Later: 1, Only: 2}, copies(t, exitFound, from, to))
	target = openSite(t, to)
	require.True(t, target.knows("bob", renewed))
	require.True(t, target.knows("tom", movedOn), "used later in TO")
	require.True(t, target.knows("zoe", same))
	require.True(t, target.knows("eve", ended), "without --delete it is still there")
	entry, err := target.Find(t.Context(), idOf(changed))
	require.NoError(t, err)
	require.Equal(t, 3, entry.Data.Cart["tea"])
	target.close()

	require.Equal(t, exitUsage, sesameRun(t, "copy", "--delete", from, to).code, "it asks")
	require.Equal(t, summary{Same: 4, Equal: 4, Later: 1, Ended: 2}, copies(t, 0, "--yes", "--delete", from, to))
	target = openSite(t, to)
	require.False(t, target.knows("eve", ended))
	require.False(t, target.knows("a user of TO", other))
	require.True(t, target.knows("tom", movedOn))
	target.close()

	// The wrong way round, with an empty store.
	empty := "sqlite:" + filepath.Join(t.TempDir(), "empty.sqlite")
	openSite(t, empty).close()
	out := sesameRun(t, "copy", "--yes", "--delete", empty, to)
	require.Equal(t, exitFailed, out.code)
	require.Contains(t, out.stderr, "would empty TO")
	require.Len(t, content(t, to), 5)
}

// A session that differs by its owner alone is another's to the index.
func TestCopyOwner(t *testing.T) {
	from, to := twoPlaces(t)
	for address, owner := range map[string]string{from: "ann", to: "bob"} {
		e, err := engine.Create(t.Context(), address, nil)
		require.NoError(t, err)
		r := store.Record{Expires: time.Now().Add(2 * time.Hour).Truncate(time.Hour), Owner: owner, Data: []byte("data")}
		_, err = e.Store.Save(t.Context(), store.Key{1}, r)
		require.NoError(t, err)
		require.NoError(t, e.Close())
	}
	require.Equal(t, summary{Updated: 1, Equal: 1}, copies(t, 0, from, to))
	require.Equal(t, "ann", content(t, to)[store.Key{1}].Owner)
}

// A site that goes on while its sessions are copied loses nothing, and after it
// was stopped one more copy makes the stores equal.
func TestCopyWhileTheSiteRuns(t *testing.T) {
	for _, kind := range []string{"redis", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			from := enginetest.Shared[kind](t)
			to := "sqlite:" + filepath.Join(t.TempDir(), "to.sqlite")
			s := openSite(t, from)
			var mu sync.Mutex
			cookies := make(map[string]*http.Cookie)
			for i := range 200 {
				user := fmt.Sprintf("user %d", i)
				cookies[user] = s.logIn(user)
			}
			stop, stopped := context.WithCancel(t.Context())
			var site sync.WaitGroup
			step := func() {
				mu.Lock()
				defer mu.Unlock()
				user := fmt.Sprintf("user %d", rand.IntN(300))
				cookie := cookies[user]
				switch {
				case cookie == nil:
					cookies[user] = s.logIn(user)
				case rand.IntN(3) == 0:
					delete(cookies, user)
					require.NoError(t, s.Revoke(t.Context(), idOf(cookie)))
				default:
					cookies[user] = s.renew(cookie)
				}
			}
			for range 4 {
				site.Go(func() {
					for stop.Err() == nil {
						step()
					}
				})
			}
			for range 3 {
				out := sesameRun(t, "copy", from, to)
				require.Contains(t, []int{0, exitFound}, out.code, out.stderr)
			}
			stopped()
			site.Wait()
			s.close()
			copies(t, 0, "--delete", "--yes", from, to)
			require.Equal(t, content(t, from), content(t, to))
			s = openSite(t, to)
			for user, cookie := range cookies {
				require.True(t, s.knows(user, cookie), user)
			}
		})
	}
}

// A copy that is interrupted says how to go on, and goes on when it is run again.
func TestCopyInterrupted(t *testing.T) {
	from, to := enginetest.Redis(t), "dir:"+filepath.Join(t.TempDir(), "to") // which takes its time
	e, err := engine.Create(t.Context(), from, nil)
	require.NoError(t, err)
	const n = 400
	saveMany(t, e.Store, n)
	require.NoError(t, e.Close())

	ctx, cancel := context.WithCancel(t.Context())
	go func() { // once there is something
		defer cancel()
		target := strings.TrimPrefix(to, "dir:")
		for {
			if files, _ := filepath.Glob(target + "/data/*/*"); len(files) > 10 {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"copy", from, to}, strings.NewReader(""), &stdout, &stderr)
	require.Equal(t, exitInterrupted, code)
	require.Contains(t, stderr.String(), "run it again to go on")
	there := len(content(t, to))
	require.Greater(t, there, 10)
	require.Less(t, there, n)
	got := copies(t, 0, from, to)
	require.Equal(t, n, got.Equal)
	require.Equal(t, there, got.Same)
}

// saveMany saves n sessions of a kilobyte.
func saveMany(t testing.TB, s store.Store, n int) {
	t.Helper()
	var wg sync.WaitGroup
	const workers = 64
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				k := store.Key{byte(i), byte(i >> 8), byte(i >> 16), 7}
				r := store.Record{Expires: time.Now().Add(time.Hour), Data: bytes.Repeat([]byte{byte(i)}, 1000)}
				if _, err := s.Save(context.Background(), k, r); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// Records that a store cannot read are told, on either side.
func TestCopyDamaged(t *testing.T) {
	from, to := enginetest.NATS(t, nil), "dir:"+filepath.Join(t.TempDir(), "to")
	s := openSite(t, from)
	for range 3 {
		s.logIn("ann")
	}
	_, err := s.engine.JetStream.Publish(t.Context(), "$KV.sesame.s."+store.Key{9}.String(), []byte("damaged"))
	require.NoError(t, err)
	s.close()
	require.Equal(t, summary{New: 3, Equal: 3, Unreadable: true}, copies(t, 0, from, to))

	damage(t, strings.TrimPrefix(to, "dir:"))
	got := copies(t, exitFound, from, to)
	require.Equal(t, summary{Same: 2, Equal: 2, Damaged: 1, Differ: 1, Unreadable: true}, got)
}
