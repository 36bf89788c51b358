package main

import (
	"cmp"
	"context"
	"database/sql"
	"net/url"

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

// openers has the function that opens a store of each engine.
var openers = map[string]func(context.Context, *url.URL) (store.Store, error){
	"postgres": openPostgreSQL,
	"mysql":    openMySQL,
	"redis":    openRedis,
	"nats":     openNATS,
}

func openPostgreSQL(ctx context.Context, u *url.URL) (store.Store, error) {
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, err
	}
	config.ConnectTimeout = cmp.Or(config.ConnectTimeout, patience)
	return openTable(ctx, stdlib.OpenDB(*config), sqlstore.PostgreSQL())
}

// openMySQL makes of the URL what the driver takes instead,
// user:password@tcp(host:port)/database.
func openMySQL(ctx context.Context, u *url.URL) (store.Store, error) {
	config, err := mysql.ParseDSN("tcp(" + u.Host + ")" + u.EscapedPath() + "?" + u.RawQuery)
	if err != nil {
		return nil, err
	}
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.Timeout = cmp.Or(config.Timeout, patience)
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return openTable(ctx, sql.OpenDB(connector), sqlstore.MySQL())
}

func openTable(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect) (store.Store, error) {
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16) // 2 by default
	s := sqlstore.New(db, dialect)
	return s, s.CreateTable(ctx)
}

func openRedis(ctx context.Context, u *url.URL) (store.Store, error) {
	options, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, err
	}
	s := redisstore.New(goredis.New(redis.NewClient(options)))
	return s, s.Ping(ctx)
}

func openNATS(ctx context.Context, u *url.URL) (store.Store, error) {
	nc, err := nats.Connect(u.String(), nats.Timeout(patience), nats.MaxReconnects(-1))
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	return natsstore.Open(ctx, js)
}
