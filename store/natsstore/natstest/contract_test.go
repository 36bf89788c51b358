package natstest

import (
	"sync"
	"testing"
	"time"

	"github.com/sesame-go/sesame/internal/testtools/lincheck"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/natsstore"
	"github.com/sesame-go/sesame/store/storetest"
)

var _ interface {
	store.Store
	store.Lister
	store.OwnerIndex
	store.Watcher
	store.Pinger
} = (*natsstore.Store)(nil)

// TestStore runs the suite on a server with files: on one store; on two, each
// with a connection of its own, as two programs have them; on such as have
// clocks that differ; and through restarts of the server.
func TestStore(t *testing.T) {
	opts := options(t.TempDir())
	opts.Port = freePort(t) // the same when it is started again
	srv := start(t, opts)
	js := connect(t, srv.ClientURL())
	var names sync.Map // of buckets, by store
	again := func(t *testing.T, first store.Store, opts ...natsstore.Option) store.Store {
		name, _ := names.Load(first)
		return open(t, connect(t, js.Conn().ConnectedUrl()), append(opts, name.(natsstore.Option))...)
	}
	storetest.Run(t,
		func(t *testing.T) store.Store {
			name := natsstore.WithBucket(bucket())
			s := open(t, js, name)
			names.Store(s, name)
			return s
		},
		storetest.Second(func(t *testing.T, first store.Store) store.Store { return again(t, first) }),
		storetest.Skewed(func(t *testing.T, first store.Store, by time.Duration) store.Store {
			return again(t, first, natsstore.WithClock(func() time.Time { return time.Now().Add(by) }))
		}),
		storetest.Restart(func(*testing.T, store.Store) {
			stop(srv)
			srv = start(t, opts)
		}),
	)
}

// TestMemory checks buckets that are not in files.
func TestMemory(t *testing.T) {
	js := connect(t, start(t, options(t.TempDir())).ClientURL())
	lincheck.Run(t, func(t *testing.T) store.Store { return open(t, js, natsstore.WithMemoryStorage()) })
}

func TestLinearizable(t *testing.T) {
	js := connect(t, start(t, options(t.TempDir())).ClientURL())
	lincheck.Run(t, func(t *testing.T) store.Store { return open(t, js) })
}

// TestLinearizableTwo checks two stores in one bucket, called in turn.
func TestLinearizableTwo(t *testing.T) {
	srv := start(t, options(t.TempDir()))
	lincheck.Run(t, func(t *testing.T) store.Store { return newTwo(t, 1, srv) })
}
