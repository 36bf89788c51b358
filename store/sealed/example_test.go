package sealed_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
	"github.com/sesame-go/sesame/store/sealed"
)

func Example() {
	ctx := context.Background()
	// From the environment or a file: openssl rand -base64 32
	key, err := base64.StdEncoding.DecodeString("mUrYe/UlbBcXCFCLi3WO8hYsB4FdJOq8zZsTJwMtB6s=")
	if err != nil {
		fmt.Println(err)
		return
	}
	inner := memstore.New() // any store
	s, err := sealed.New(inner, key)
	if err != nil {
		fmt.Println(err)
		return
	}

	k := store.Key{1, 2, 3} // the session's ID
	r := store.Record{Expires: time.Now().Add(time.Hour), Data: []byte("cart: 1 lamp")}
	if _, err := s.Save(ctx, k, r); err != nil {
		fmt.Println(err)
		return
	}
	opened, _ := s.Load(ctx, k)
	kept, _ := inner.Load(ctx, k)
	fmt.Printf("%s\n", opened.Data)
	fmt.Println("readable inside:", bytes.Contains(kept.Data, []byte("lamp")))
	// Output:
	// cart: 1 lamp
	// readable inside: false
}
