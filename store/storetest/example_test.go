package storetest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
	"github.com/sesame-go/sesame/store/storetest"
)

// A test of your own store. In a test package it would be the function TestStore; here
// it is a variable.
func ExampleRun() {
	_ = func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store { return memstore.New() })
	}
}

// A store on a server that several processes share: the options say how to open a
// second store, how to open one with a wrong clock, and how to restart the server.
func ExampleOption() {
	_ = func(t *testing.T) {
		srv := startServer(t)
		storetest.Run(t,
			func(t *testing.T) store.Store { return open(t, srv, newTable(t, srv), time.Now) },
			storetest.Second(func(t *testing.T, first store.Store) store.Store {
				return open(t, srv, first.(*remote).table, time.Now)
			}),
			storetest.Skewed(func(t *testing.T, first store.Store, by time.Duration) store.Store {
				clock := func() time.Time { return time.Now().Add(by) }
				return open(t, srv, first.(*remote).table, clock)
			}),
			storetest.Restart(func(t *testing.T, s store.Store) { srv.restart(t) }),
		)
	}
}

// Your own test calls two stores on one engine in turn.
func ExampleInTurn() {
	ctx := context.Background()
	engine := memstore.New()
	s := storetest.InTurn(engine, engine) // in a real test, two connections to it

	k := store.Key{1, 2, 3}
	_, err := s.Save(ctx, k, store.Record{Expires: time.Now().Add(time.Hour), Data: []byte("by the first")})
	fmt.Println(err)
	r, err := s.Load(ctx, k)
	fmt.Printf("%s, %v\n", r.Data, err)
	_, ok := s.(store.Lister)
	fmt.Println("lists:", ok)
	// Output:
	// <nil>
	// by the first, <nil>
	// lists: true
}

// remote stands for a store of your own, server for its engine.
type (
	remote struct {
		store.Store
		table string
	}
	server struct{}
)

func startServer(*testing.T) *server { return new(server) }

func (*server) restart(*testing.T) {}

func newTable(t *testing.T, _ *server) string { return t.Name() }

func open(_ *testing.T, _ *server, table string, _ func() time.Time) *remote {
	return &remote{Store: memstore.New(), table: table}
}
