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

// A file of its own for the sessions is the least to write. The name of the
// driver is the one under which the imported package registers it.
func ExampleOpenSQLite() {
	s, err := sqlstore.OpenSQLite("sqlite", "sessions.sqlite")
	if err != nil {
		log.Print(err)
		return
	}
	defer s.Close()

	sessions := sesame.New[Session](sesame.WithStore(s))
	http.ListenAndServe("localhost:8080", sessions.Handler(http.DefaultServeMux))
}

// The table may be in a database that the program has anyway, with settings of
// its own. The program closes the database after the store.
func ExampleSQLite() {
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
