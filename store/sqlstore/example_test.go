package sqlstore_test

import (
	"context"
	"database/sql"
	"log"
	"net/http"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/sqlstore"
	// _ "modernc.org/sqlite" // or another driver
)

type Session struct{ User string }

// The program opens the database with the driver of its choice, and closes it
// after the store.
func Example() {
	db, err := sql.Open("sqlite", "file:sessions.sqlite"+
		"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)")
	if err != nil {
		log.Print(err)
		return
	}
	defer db.Close()
	s := sqlstore.New(db, sqlstore.SQLite())
	defer s.Close()
	if err := s.CreateTable(context.Background()); err != nil {
		log.Print(err)
		return
	}

	sessions := sesame.New[Session](sesame.WithStore(s))
	http.ListenAndServe("localhost:8080", sessions.Handler(http.DefaultServeMux))
}
