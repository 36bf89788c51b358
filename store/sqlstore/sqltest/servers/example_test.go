package servers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// Two processes share sessions in PostgreSQL: here, two pools.
func Example_postgreSQL() {
	ctx := context.Background()
	k := store.Key{1, 2, 3} // the ID of the session
	for range 2 {
		// postgres://user:password@host/database
		db, err := sql.Open("pgx", os.Getenv("SESAME_TEST_POSTGRES"))
		if err != nil {
			log.Print(err)
			return
		}
		db.SetMaxOpenConns(16)
		db.SetMaxIdleConns(16)
		s := sqlstore.New(db, sqlstore.PostgreSQL(), sqlstore.WithTable("example_sessions"))
		if err := s.CreateTable(ctx); err != nil {
			log.Print(err)
			return
		}
		visit(ctx, s, k)
		s.Close()
		db.Close()
	}
	// Output:
	// a new session
	// cart: 1 lamp
}

// Two processes share sessions in MySQL or MariaDB: here, two pools.
func Example_mySQL() {
	ctx := context.Background()
	k := store.Key{1, 2, 3} // the ID of the session
	for range 2 {
		// user:password@tcp(host:3306)/database
		db, err := sql.Open("mysql", os.Getenv("SESAME_TEST_MYSQL"))
		if err != nil {
			log.Print(err)
			return
		}
		db.SetMaxOpenConns(16)
		db.SetMaxIdleConns(16)
		s := sqlstore.New(db, sqlstore.MySQL(), sqlstore.WithTable("example_sessions"))
		if err := s.CreateTable(ctx); err != nil {
			log.Print(err)
			return
		}
		visit(ctx, s, k)
		s.Close()
		db.Close()
	}
	// Output:
	// a new session
	// cart: 1 lamp
}

// visit creates the session at the first visit and ends it at the second.
func visit(ctx context.Context, s *sqlstore.Store, k store.Key) {
	r, err := s.Load(ctx, k)
	if errors.Is(err, store.ErrNotFound) {
		fmt.Println("a new session")
		r = store.Record{Expires: time.Now().Add(time.Hour), Data: []byte("cart: 1 lamp")}
		_, err = s.Save(ctx, k, r)
	} else if err == nil {
		fmt.Printf("%s\n", r.Data)
		err = s.Delete(ctx, k)
	}
	if err != nil {
		log.Print(err)
	}
}
