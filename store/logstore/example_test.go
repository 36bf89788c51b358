package logstore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/logstore"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "sessions.db")

	s, err := logstore.Open(path)
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
	if err := s.Close(); err != nil {
		fmt.Println(err)
		return
	}

	// The next process goes on where this one ended.
	s, err = logstore.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	r, err = s.Load(ctx, k)
	fmt.Printf("%s, %v\n", r.Data, err)
	// Output:
	// cart: 1 lamp, <nil>
}
