package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/natsstore"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/goredis"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// openServer opens a store on a server, and finds out whether it is there.
func openServer(ctx context.Context, engine, where string) (s store.Store, closeStore func() error, err error) {
	u, err := url.Parse(where)
	// A password that is not escaped may end the host early, and all errors
	// would show the rest of it, those of url.Parse too.
	if err != nil || u.Opaque != "" || u.Fragment != "" || strings.Contains(u.EscapedPath()+u.RawQuery, "@") {
		return nil, nil, fmt.Errorf("-store %s: this is no URL; say %s, and in the password %%40 for @, %%2F for /, "+
			"%%3F for ?, %%23 for # and %%25 for %%", engine, form(engine))
	}
	switch engine {
	case "postgres":
		s, closeStore, err = openPostgreSQL(ctx, where)
	case "mysql":
		s, closeStore, err = openMySQL(ctx, u)
	case "redis":
		s, closeStore, err = openRedis(ctx, where)
	case "nats":
		s, closeStore, err = openNATS(ctx, where)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("-store %s://%s: %w; see that the server runs and that address, user, password and database are right, as in %s",
			engine, u.Host, err, form(engine))
	}
	return s, closeStore, nil
}

// form returns the example that storeForms has for an engine.
func form(engine string) string {
	_, rest, _ := strings.Cut(storeForms, engine+"://")
	return engine + "://" + strings.Fields(rest)[0]
}

func openPostgreSQL(ctx context.Context, where string) (store.Store, func() error, error) {
	config, err := pgx.ParseConfig(where)
	if err != nil {
		return nil, nil, err
	}
	config.ConnectTimeout = cmp.Or(config.ConnectTimeout, patience)
	return openTable(ctx, pool(stdlib.OpenDB(*config)), sqlstore.PostgreSQL())
}

// openMySQL makes of the URL what the driver takes instead,
// user:password@tcp(host:port)/database.
func openMySQL(ctx context.Context, u *url.URL) (store.Store, func() error, error) {
	config, err := mysql.ParseDSN("tcp(" + u.Host + ")" + u.EscapedPath() + "?" + u.RawQuery)
	if err != nil {
		return nil, nil, err
	}
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.Timeout = cmp.Or(config.Timeout, patience)
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, nil, err
	}
	return openTable(ctx, pool(sql.OpenDB(connector)), sqlstore.MySQL())
}

// pool keeps a few connections to a server open, and no more.
func pool(db *sql.DB) *sql.DB {
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16) // 2 by default
	return db
}

func openRedis(ctx context.Context, where string) (store.Store, func() error, error) {
	options, err := redis.ParseURL(where)
	if err != nil {
		return nil, nil, err
	}
	client := redis.NewClient(options)
	s := redisstore.New(goredis.New(client))
	if err := s.Ping(ctx); err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	return s, client.Close, nil
}

func openNATS(ctx context.Context, where string) (store.Store, func() error, error) {
	nc, err := nats.Connect(where, nats.Timeout(patience), nats.MaxReconnects(-1))
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(nc)
	var s *natsstore.Store
	if err == nil {
		s, err = natsstore.Open(ctx, js)
	}
	if err != nil {
		nc.Close()
		return nil, nil, err
	}
	return s, func() error { nc.Close(); return nil }, nil
}
