package natstest

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/natsstore"
)

// Programs that open the same bucket share its sessions. The server is in the
// process here; most programs connect to nats://…:4222.
func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Print(err)
		return
	}
	defer os.RemoveAll(dir)
	srv, err := server.NewServer(&server.Options{Port: server.RANDOM_PORT, JetStream: true, StoreDir: dir, NoSigs: true})
	if err != nil {
		log.Print(err)
		return
	}
	srv.Start()
	defer srv.WaitForShutdown()
	defer srv.Shutdown()
	if !srv.ReadyForConnections(10 * time.Second) {
		log.Print("the server does not start")
		return
	}

	ctx := context.Background()
	k := store.Key{1, 2, 3} // the session's ID
	for range 2 {
		nc, err := nats.Connect(srv.ClientURL(), nats.MaxReconnects(-1))
		if err != nil {
			log.Print(err)
			return
		}
		defer nc.Close()
		js, err := jetstream.New(nc)
		if err != nil {
			log.Print(err)
			return
		}
		s, err := natsstore.Open(ctx, js, natsstore.WithBucket("shop"))
		if err != nil {
			log.Print(err)
			return
		}

		r, err := s.Load(ctx, k)
		if errors.Is(err, store.ErrNotFound) {
			fmt.Println("a new session")
			r = store.Record{Expires: time.Now().Add(time.Hour), Data: []byte("cart: 1 lamp")}
			_, err = s.Save(ctx, k, r)
		} else if err == nil {
			fmt.Printf("%s\n", r.Data)
		}
		if err != nil {
			log.Print(err)
			return
		}
	}
	// Output:
	// a new session
	// cart: 1 lamp
}
