package redistest

import (
	"sync"
	"testing"
	"time"

	"github.com/sesame-go/sesame/internal/testtools/lincheck"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/storetest"
)

// prefixed hands out stores on one site and remembers their prefixes, to open
// others with the same.
type prefixed struct {
	a             adapter
	at            site
	first, second redisstore.Conn
	prefixes      sync.Map // store.Store -> string
}

func newPrefixed(t *testing.T, a adapter, at site) *prefixed {
	return &prefixed{a: a, at: at, first: a.connect(t, at, nil), second: a.connect(t, at, nil)}
}

func (p *prefixed) open(*testing.T) store.Store {
	prefix := newPrefix()
	s := redisstore.New(p.first, redisstore.WithPrefix(prefix))
	p.prefixes.Store(store.Store(s), prefix)
	return s
}

// again opens a store with the prefix of s and a client of its own.
func (p *prefixed) again(s store.Store, opts ...redisstore.Option) store.Store {
	prefix, _ := p.prefixes.Load(s)
	return redisstore.New(p.second, append(opts, redisstore.WithPrefix(prefix.(string)))...)
}

// options are all that storetest can do with a store.
func (p *prefixed) options() []storetest.Option {
	return []storetest.Option{
		storetest.Second(func(_ *testing.T, first store.Store) store.Store { return p.again(first) }),
		storetest.Skewed(func(_ *testing.T, first store.Store, by time.Duration) store.Store {
			return p.again(first, redisstore.WithClock(func() time.Time { return time.Now().Add(by) }))
		}),
	}
}

// TestStore has a server of its own, to restart it.
func TestStore(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := own(t, "single")
		p := newPrefixed(t, a, at)
		restart := storetest.Restart(func(t *testing.T, _ store.Store) {
			at.kill(t, "redis")
			at.start(t, "redis")
		})
		storetest.Run(t, p.open, append(p.options(), restart)...)
	})
}

// On a cluster the scripts are the same; what differs is the way to a server, for
// which one store at a time is enough. With sentinels it is one server that other
// tests find and lose; TestLinearizable is enough.
func TestStoreCluster(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		storetest.Run(t, newPrefixed(t, a, shared(t, "cluster")).open)
	})
}

// TestLinearizable takes two stores that are called in turn.
func TestLinearizable(t *testing.T) {
	for _, kind := range []string{"single", "cluster", "sentinel"} {
		t.Run(kind, func(t *testing.T) {
			onEach(t, func(t *testing.T, a adapter) {
				p := newPrefixed(t, a, shared(t, kind))
				lincheck.Run(t, func(t *testing.T) store.Store {
					s := p.open(t)
					return storetest.InTurn(s, p.again(s))
				})
			})
		})
	}
}
