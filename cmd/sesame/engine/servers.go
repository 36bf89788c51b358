package engine

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/sesame-go/sesame/store/natsstore"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/goredis"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// An opener opens a store on the server that a URL names.
type opener func(context.Context, *Engine, *url.URL, opening) error

var servers = map[string]opener{
	"postgres": openPostgreSQL,
	"mysql":    openMySQL,
	"redis":    openRedis,
	"nats":     openNATS,
}

func openPostgreSQL(ctx context.Context, e *Engine, u *url.URL, o opening) error {
	opts, err := e.tableSetting(u)
	if err != nil {
		return err
	}
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		return err
	}
	config.ConnectTimeout = cmp.Or(config.ConnectTimeout, Patience)
	if mode := config.DefaultQueryExecMode; mode == pgx.QueryExecModeExec || mode == pgx.QueryExecModeSimpleProtocol {
		opts = append(opts, sqlstore.WithoutPrepare()) // behind a pooler
	}
	return e.openTable(ctx, stdlib.OpenDB(*config), sqlstore.PostgreSQL(), o, opts)
}

// openMySQL makes of the URL what the driver takes instead,
// user:password@tcp(host:port)/database.
func openMySQL(ctx context.Context, e *Engine, u *url.URL, o opening) error {
	opts, err := e.tableSetting(u)
	if err != nil {
		return err
	}
	config, err := mysql.ParseDSN("tcp(" + u.Host + ")" + u.EscapedPath() + "?" + u.RawQuery)
	if err != nil {
		return err
	}
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.Timeout = cmp.Or(config.Timeout, Patience)
	config.Logger = &mysql.NopLogger{} // what fails is returned
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return err
	}
	return e.openTable(ctx, sql.OpenDB(connector), sqlstore.MySQL(), o, opts)
}

func (e *Engine) tableSetting(u *url.URL) ([]sqlstore.Option, error) {
	e.Name = "sesame"
	return setting(u, "table", sqlstore.WithTable, &e.Name)
}

func (e *Engine) openTable(ctx context.Context, db *sql.DB, dialect sqlstore.Dialect, o opening, opts []sqlstore.Option) error {
	e.DB = db
	e.onClose(db.Close)
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16) // 2 by default
	s := sqlstore.New(db, dialect, opts...)
	e.Store = s
	e.onClose(s.Close)
	if o.create {
		return s.CreateTable(ctx)
	}
	err := s.Ping(ctx)
	if err != nil && strings.Contains(err.Error(), "CreateTable") {
		return absent("%s: there is no table %s; see that this is the program's database, and add ?table=NAME if it was given another name",
			e.Place, e.Name)
	}
	return err
}

func openRedis(ctx context.Context, e *Engine, u *url.URL, _ opening) error {
	e.Name = "sesame:"
	opts, err := setting(u, "prefix", redisstore.WithPrefix, &e.Name)
	if err != nil {
		return err
	}
	options, err := redis.ParseURL(u.String())
	if err != nil {
		return err
	}
	e.Redis = redis.NewClient(options)
	e.onClose(e.Redis.Close)
	if err := e.Redis.Ping(ctx).Err(); err != nil {
		return err
	}
	// A user who may not ask is taken to be on a server that stands alone.
	if info, err := e.Redis.Info(ctx, "cluster").Result(); err == nil && strings.Contains(info, "cluster_enabled:1") {
		e.Redis = redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: []string{options.Addr}, Username: options.Username, Password: options.Password, TLSConfig: options.TLSConfig,
			DialTimeout: options.DialTimeout, ReadTimeout: options.ReadTimeout, WriteTimeout: options.WriteTimeout,
		})
		e.onClose(e.Redis.Close)
	}
	s := redisstore.New(goredis.New(e.Redis), opts...)
	e.Store = s
	return s.Ping(ctx)
}

func openNATS(ctx context.Context, e *Engine, u *url.URL, o opening) error {
	e.Name = "sesame"
	opts, err := setting(u, "bucket", natsstore.WithBucket, &e.Name)
	if err == nil {
		_, err = setting(u, "monitor", func(string) any { return nil }, &e.Monitor)
	}
	if err != nil {
		return err
	}
	nc, err := nats.Connect(u.String(), nats.Timeout(Patience), nats.MaxReconnects(-1))
	if err != nil {
		return err
	}
	e.onClose(func() error { nc.Close(); return nil })
	if e.JetStream, err = jetstream.New(nc); err != nil {
		return err
	}
	stream, err := e.JetStream.Stream(ctx, "KV_"+e.Name)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		if !o.create {
			return absent("%s: there is no bucket %s; see that this is the program's account, and add ?bucket=NAME if it was given another name",
				e.Place, e.Name)
		}
	case err != nil:
		return err
	case stream.CachedInfo().Config.Storage == jetstream.MemoryStorage:
		opts = append(opts, natsstore.WithMemoryStorage())
	}
	e.Store, err = natsstore.Open(ctx, e.JetStream, opts...)
	return err
}
