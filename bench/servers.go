package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/pgxstore"
	"github.com/alexedwards/scs/v2"
	"github.com/boj/redistore"
	ginredis "github.com/gin-contrib/sessions/redis"
	fiberredis "github.com/gofiber/storage/redis/v3"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver
	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/goredis"
	sesamerueidis "github.com/sesame-go/sesame/store/redisstore/rueidis"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// Connections to a server, the same for all whose client has a pool.
const (
	redisConns    = 32
	postgresConns = 16
)

// cacheFor is how long a session may be read from the client-side cache.
const cacheFor = time.Second

var errNoServer = errors.New("there is no server: run scripts/services run redis postgres -- COMMAND")

// closing makes an io.Closer of a function.
type closing func() error

func (c closing) Close() error { return c() }

// Check returns an error if a store is on a server that is not there.
func (p Place) Check(ctx context.Context, store string) error {
	var err error
	switch store {
	case "redis":
		err = p.pingRedis(ctx)
	case "postgres":
		err = p.pingPostgres(ctx)
	}
	if err != nil && !errors.Is(err, errNoServer) {
		return fmt.Errorf("%w (%w)", errNoServer, err)
	}
	return err
}

func (p Place) pingRedis(ctx context.Context) error {
	client, err := p.goredis()
	if err != nil {
		return err
	}
	return errors.Join(client.Ping(ctx).Err(), client.Close())
}

func (p Place) pingPostgres(ctx context.Context) error {
	if p.Postgres == "" {
		return errNoServer
	}
	db, err := sql.Open("pgx", p.Postgres)
	if err != nil {
		return err
	}
	return errors.Join(db.PingContext(ctx), db.Close())
}

func (p Place) goredis() (*redis.Client, error) {
	if p.Redis == "" {
		return nil, errNoServer
	}
	return redis.NewClient(&redis.Options{Addr: p.Redis, PoolSize: redisConns, MaxIdleConns: redisConns}), nil
}

func openSesameGoRedis(s Session, p Place) (Site, error) {
	client, err := p.goredis()
	if err != nil {
		return nil, err
	}
	return openSesame(s, ioClosers{client}, sesame.WithStore(redisstore.New(goredis.New(client))))
}

func openSesameRueidis(s Session, p Place) (Site, error) { return openRueidis(s, p) }

func openSesameCached(s Session, p Place) (Site, error) {
	return openRueidis(s, p, sesamerueidis.WithCache(cacheFor))
}

func openRueidis(s Session, p Place, opts ...sesamerueidis.Option) (Site, error) {
	if p.Redis == "" {
		return nil, errNoServer
	}
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress:       []string{p.Redis},
		PipelineMultiplex: -1, // one connection: fewer and larger pipelines
		MaxFlushDelay:     100 * time.Microsecond,
	})
	if err != nil {
		return nil, err
	}
	closeClient := closing(func() error { client.Close(); return nil })
	return openSesame(s, ioClosers{closeClient}, sesame.WithStore(redisstore.New(sesamerueidis.New(client, opts...))))
}

func openSCSRedis(s Session, p Place) (Site, error) {
	client, err := p.goredis()
	if err != nil {
		return nil, err
	}
	return scsSite(s.values(), goredisstore.New(client), scs.GobCodec{}, idle, ioClosers{client}), nil
}

func openSCSPackedRedis(s Session, p Place) (Site, error) {
	client, err := p.goredis()
	if err != nil {
		return nil, err
	}
	v, codec := s.packed()
	return scsSite(v, goredisstore.New(client), codec, idle, ioClosers{client}), nil
}

func openFiberRedis(s Session, p Place) (Site, error) {
	client, err := p.goredis()
	if err != nil {
		return nil, err
	}
	return newFiberSite(s, fiberredis.NewFromConnection(client), ioClosers{client}), nil
}

func openGinRedis(s Session, p Place) (Site, error) {
	if p.Redis == "" {
		return nil, errNoServer
	}
	store, err := ginredis.NewStore(redisConns, "tcp", p.Redis, "", "", authKey)
	if err != nil {
		return nil, err
	}
	inner, err := ginredis.GetRedisStore(store)
	if err != nil {
		return nil, err
	}
	inner.SetMaxLength(0)
	return ginSite(s, store, ioClosers{inner}), nil
}

func openGorillaRedis(s Session, p Place) (Site, error) {
	if p.Redis == "" {
		return nil, errNoServer
	}
	store, err := redistore.NewRediStore(redisConns, "tcp", p.Redis, "", "", authKey)
	if err != nil {
		return nil, err
	}
	store.SetMaxAge(int(lifetime.Seconds()))
	store.SetMaxLength(0)
	return gorillaSite(s, store, ioClosers{store}), nil
}

func openSesamePostgres(s Session, p Place) (Site, error) {
	if p.Postgres == "" {
		return nil, errNoServer
	}
	db, err := sql.Open("pgx", p.Postgres)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(postgresConns)
	db.SetMaxIdleConns(postgresConns)
	store := sqlstore.New(db, sqlstore.PostgreSQL(), sqlstore.WithTable("bench_sesame"))
	if err := store.CreateTable(context.Background()); err != nil {
		return nil, err
	}
	return openSesame(s, ioClosers{store, db}, sesame.WithStore(store))
}

func openSCSPostgres(s Session, p Place) (Site, error) {
	if p.Postgres == "" {
		return nil, errNoServer
	}
	config, err := pgxpool.ParseConfig(p.Postgres)
	if err != nil {
		return nil, err
	}
	config.MaxConns = postgresConns
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, err
	}
	for _, statement := range []string{ // of its README
		`CREATE TABLE IF NOT EXISTS sessions (token TEXT PRIMARY KEY, data BYTEA NOT NULL, expiry TIMESTAMPTZ NOT NULL)`,
		`CREATE INDEX IF NOT EXISTS sessions_expiry_idx ON sessions (expiry)`,
	} {
		if _, err := pool.Exec(context.Background(), statement); err != nil {
			return nil, err
		}
	}
	closePool := closing(func() error { pool.Close(); return nil })
	return scsSite(s.values(), pgxstore.NewWithCleanupInterval(pool, 0), scs.GobCodec{}, idle, ioClosers{closePool}), nil
}
