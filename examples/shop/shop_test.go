package main

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

func testShop() *shop { return testShopOn(memstore.New()) }

func testShopOn(st store.Store) *shop { return newShop(st, testAccounts()) }

// testAccounts are the users of the demo, whose passwords are hashed in less
// time.
func testAccounts() *accounts {
	all := demoAccounts()
	all.cost = bcrypt.MinCost
	for id, password := range map[string]string{"ann": "apple", "bob": "banana", "carol": "cherry"} {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), all.cost)
		if err != nil {
			panic(err)
		}
		user := all.byID[id]
		user.hash = string(hash)
		all.byID[id] = user
	}
	return all
}

// serve serves the shop to browsers, until the test ends.
func serve(t *testing.T, s *shop) (url string) {
	t.Helper()
	server := httptest.NewServer(s.handler())
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
}

// client is a browser of the shop's without scripts.
func client(t *testing.T, s *shop) *sesametest.Client {
	t.Helper()
	return sesametest.NewClient(t, s.handler())
}

// owned counts the sessions of a user.
func owned(t *testing.T, s *shop, owner string) int {
	list, err := collect(s.sessions.OwnedBy(t.Context(), owner))
	require.NoError(t, err)
	return len(list)
}

// A gate is a store that lets requests see the same: it holds loads back until
// as many as are wanted have come.
type gate struct {
	*memstore.Store
	mu      sync.Mutex
	waiting sync.WaitGroup
	left    int
}

func newGate() *gate { return &gate{Store: memstore.New()} }

// hold makes the next n loads wait for each other.
func (g *gate) hold(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left = n
	g.waiting.Add(n)
}

func (g *gate) Load(ctx context.Context, k store.Key) (store.Record, error) {
	r, err := g.Store.Load(ctx, k)
	g.mu.Lock()
	wait := g.left > 0
	if wait {
		g.left--
		g.waiting.Done()
	}
	g.mu.Unlock()
	if wait {
		g.waiting.Wait()
	}
	return r, err
}
