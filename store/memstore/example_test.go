package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

func Example() {
	ctx := context.Background()
	s := memstore.New(memstore.WithMaxSessions(100_000))

	k := store.Key{1, 2, 3} // the session's ID
	r := store.Record{Expires: time.Now().Add(time.Hour), Data: []byte("cart: 1 lamp")}
	version, err := s.Save(ctx, k, r)
	if err != nil {
		fmt.Println(err)
		return
	}

	// Two requests change what they both have loaded. The second is refused.
	r.Version, r.Data = version, []byte("cart: 2 lamps")
	_, first := s.Save(ctx, k, r)
	r.Data = []byte("cart: empty")
	_, second := s.Save(ctx, k, r)
	fmt.Println(first, errors.Is(second, store.ErrConflict))

	r, err = s.Load(ctx, k)
	fmt.Printf("%s, %v\n", r.Data, err)
	// Output:
	// <nil> true
	// cart: 2 lamps, <nil>
}
