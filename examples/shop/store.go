package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/logstore"
	"github.com/sesame-go/sesame/store/memstore"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/goredis"
)

// storeForms has an example of each form that open takes.
const storeForms = `
  memory:                                 gone when the program ends
  log:shop.db                             a file, for one process
  redis://user:password@localhost:6379/0  shared by several processes
`

// open opens the store that a value such as log:shop.db names. It stays open
// until the process ends.
func open(ctx context.Context, where string) (store.Store, error) {
	engine, at, _ := strings.Cut(where, ":")
	switch {
	case where == "memory:":
		return memstore.New(), nil
	case engine == "log" && at != "":
		return logstore.Open(at)
	case engine == "redis":
		options, err := redis.ParseURL(where)
		if err != nil { // the error may quote the password
			return nil, fmt.Errorf("-store: this is no URL of a Redis server; the forms are:%s", storeForms)
		}
		s := redisstore.New(goredis.New(redis.NewClient(options)))
		if err := s.Ping(ctx); err != nil {
			return nil, fmt.Errorf("-store redis: %w; see that the server runs at %s", err, hostOf(where))
		}
		return s, nil
	}
	return nil, fmt.Errorf("-store: the value is none of these:%s(more are in ./examples/engines)", storeForms)
}

// hostOf leaves the password out.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "that address"
	}
	return u.Host
}
