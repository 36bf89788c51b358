// Package redistest tests redisstore, with both of its adapters, on real
// servers: one, a cluster, and one with a replica and a sentinel. It is a module
// of its own, so that programs which use redisstore need not download two
// clients.
//
// Run it with scripts/services run redis redis-cluster redis-sentinel -- go test
package redistest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
)

const cure = "run: scripts/services run -- go test ./..."

// TestMain keeps go-redis from writing about every connection that it loses:
// here it loses many. It also begins other processes, see start.
func TestMain(m *testing.M) {
	redis.SetLogger(silent{})
	if r := os.Getenv(roleVariable); r != "" {
		play(r)
		return
	}
	os.Exit(m.Run())
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// A site is where Redis runs.
type site struct {
	kind  string // "single", "cluster" or "sentinel"
	addrs []string
	dir   string // of scripts/services, if the site is the test's own
}

// shared returns one of the sites that all tests share. Each has a prefix of
// its own there.
func shared(t testing.TB, kind string) site {
	t.Helper()
	name := map[string]string{
		"single": "SESAME_TEST_REDIS", "cluster": "SESAME_TEST_REDIS_CLUSTER", "sentinel": "SESAME_TEST_REDIS_SENTINEL",
	}[kind]
	addrs := os.Getenv(name)
	if addrs == "" {
		t.Fatalf("%s is not set; %s", name, cure)
	}
	return site{kind: kind, addrs: strings.Split(addrs, ",")}
}

// own starts a site that only this test uses, and stops it in the end.
func own(t testing.TB, kind string) site {
	t.Helper()
	service := map[string]string{"single": "redis", "cluster": "redis-cluster", "sentinel": "redis-sentinel"}[kind]
	out := services(t, "up", service)
	s := site{kind: kind}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "export ")), "=")
		if name == "SESAME_TEST_SERVICES" {
			s.dir = value
		} else {
			s.addrs = strings.Split(value, ",")
		}
	}
	require.NotEmpty(t, s.dir, out)
	t.Cleanup(func() { services(t, "down", s.dir) })
	return s
}

// kill ends a server of an own site as a crash does, start starts it again.
func (s site) kill(t testing.TB, server string)  { services(t, "kill", s.dir, server) }
func (s site) start(t testing.TB, server string) { services(t, "start", s.dir, server) }

// port returns the address of a server of an own site.
func (s site) addr(t testing.TB, server string) string {
	port, err := os.ReadFile(filepath.Join(s.dir, server, "port"))
	require.NoError(t, err)
	return "127.0.0.1:" + strings.TrimSpace(string(port))
}

func services(t testing.TB, args ...string) string {
	t.Helper()
	cmd := exec.Command("../../../scripts/services", args...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("scripts/services %v: %v\n%s; %s", args, err, complaint.String(), cure)
	}
	return string(out)
}

// admin returns a client that speaks to one server directly.
func admin(t testing.TB, addr string) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { c.Close() })
	return c
}

// newPrefix returns one that no other store has.
func newPrefix() string { return fmt.Sprintf("t%016x:", rand.Uint64()) }

// newStore returns a store of the adapter on a site, with a prefix of its own.
func newStore(t testing.TB, a adapter, at site, opts ...redisstore.Option) *redisstore.Store {
	return redisstore.New(a.connect(t, at, nil), append([]redisstore.Option{redisstore.WithPrefix(newPrefix())}, opts...)...)
}

// onEach runs a test for each adapter, both at once.
func onEach(t *testing.T, f func(t *testing.T, a adapter)) {
	for _, a := range adapters {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			f(t, a)
		})
	}
}

// newKey returns a key that no other test uses.
func newKey() (k store.Key) {
	for i := range k {
		k[i] = byte(rand.Uint32())
	}
	return k
}

func record(data string) store.Record {
	return store.Record{Expires: time.Now().Add(time.Hour).Truncate(time.Millisecond), Data: []byte(data)}
}

func owned(owner, data string) store.Record {
	r := record(data)
	r.Owner = owner
	return r
}

func create(t testing.TB, s store.Store, r store.Record) store.Key {
	t.Helper()
	k := newKey()
	_, err := s.Save(t.Context(), k, r)
	require.NoError(t, err)
	return k
}

// eventually calls f until it returns nil.
func eventually(t testing.TB, within time.Duration, f func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	for {
		attempt, end := context.WithTimeout(ctx, 2*time.Second)
		err := f(attempt)
		end()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("not within %v: %v", within, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
