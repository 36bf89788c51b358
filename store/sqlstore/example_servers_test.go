package sqlstore_test

import (
	"context"
	"database/sql"
	"log"
	"net/http"
	"os"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/sqlstore"
	// _ "github.com/jackc/pgx/v5/stdlib"
	// _ "github.com/go-sql-driver/mysql"
)

func ExamplePostgreSQL() {
	db, err := sql.Open("pgx", os.Getenv("DATABASE_URL")) // postgres://user:password@host/database
	if err != nil {
		log.Print(err)
		return
	}
	defer db.Close()
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16) // 2 by default
	s := sqlstore.New(db, sqlstore.PostgreSQL())
	defer s.Close()
	if err := s.CreateTable(context.Background()); err != nil {
		log.Print(err)
		return
	}

	sessions := sesame.New[Session](sesame.WithStore(s))
	http.ListenAndServe("localhost:8080", sessions.Handler(http.DefaultServeMux))
}

func ExampleMySQL() {
	db, err := sql.Open("mysql", os.Getenv("DATABASE_DSN")) // user:password@tcp(host:3306)/database
	if err != nil {
		log.Print(err)
		return
	}
	defer db.Close()
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16) // 2 by default
	s := sqlstore.New(db, sqlstore.MySQL())
	defer s.Close()
	if err := s.CreateTable(context.Background()); err != nil {
		log.Print(err)
		return
	}

	sessions := sesame.New[Session](sesame.WithStore(s))
	http.ListenAndServe("localhost:8080", sessions.Handler(http.DefaultServeMux))
}
