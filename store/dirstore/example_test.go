package dirstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "sessions")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	// Two applications share the directory and nothing else.
	all, err := dirstore.Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer all.Close()
	shop, _ := all.Mount("shop")
	defer shop.Close()
	blog, _ := all.Mount("blog")
	defer blog.Close()

	k := store.Key{1, 2, 3} // the session's ID
	r := store.Record{Expires: time.Now().Add(time.Hour), Data: []byte("cart: 1 lamp")}
	if _, err := shop.Save(ctx, k, r); err != nil {
		fmt.Println(err)
		return
	}
	r, err = shop.Load(ctx, k)
	fmt.Printf("%s, %v\n", r.Data, err)
	_, err = blog.Load(ctx, k)
	fmt.Println(errors.Is(err, store.ErrNotFound))
	// Output:
	// cart: 1 lamp, <nil>
	// true
}
