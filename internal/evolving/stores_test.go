package evolving_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/evolving/remote"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/logstore"
	"github.com/sesame-go/sesame/store/memstore"
)

// stores are the stores in which the programs keep their sessions. The test opens
// those that only one process can use, and serves them to the programs.
var stores = map[string]func(t *testing.T) (place string){
	"memory": func(t *testing.T) string { return serve(t, memstore.New()) },
	"logstore": func(t *testing.T) string {
		s, err := logstore.Open(filepath.Join(t.TempDir(), "sessions.log"))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return serve(t, s)
	},
	"SQLite": func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "sessions.sqlite") },
	"Redis": func(t *testing.T) string {
		address := os.Getenv("SESAME_TEST_REDIS")
		if address == "" {
			t.Fatal("SESAME_TEST_REDIS is not set: run the tests by scripts/services run redis -- go test")
		}
		return "redis://" + address + "/8" // a database that no other test uses
	},
}

func serve(t *testing.T, s store.Store) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- remote.Serve(l, s) }()
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		require.NoError(t, <-done)
	})
	return "remote:" + l.Addr().String()
}

// eachStore runs f on each of the stores.
func eachStore(t *testing.T, f func(t *testing.T, s *site)) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) { f(t, &site{t, open(t), map[string]string{}}) })
	}
}
