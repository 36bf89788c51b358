package sqltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// Sessions in a file are there when the program starts again.
func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Print(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "sessions.sqlite")

	ctx := context.Background()
	k := store.Key{1, 2, 3} // the ID of the session
	for range 2 {
		db, err := sql.Open("sqlite", "file:"+file+
			"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)")
		if err != nil {
			log.Print(err)
			return
		}
		s := sqlstore.New(db, sqlstore.SQLite())
		if err := s.CreateTable(ctx); err != nil {
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

		s.Close()
		db.Close()
	}
	// Output:
	// a new session
	// cart: 1 lamp
}
