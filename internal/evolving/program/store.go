package program

import (
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite" // the driver

	"github.com/sesame-go/sesame/internal/evolving/remote"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore"
	"github.com/sesame-go/sesame/store/redisstore/goredis"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// open opens the store that the flag names. The store stays open until the process
// ends.
func open(place string) (store.Store, error) {
	kind, at, _ := strings.Cut(place, ":")
	switch kind {
	case "remote":
		return remote.Dial(at)
	case "sqlite":
		return sqlstore.OpenSQLite("sqlite", at)
	case "redis":
		o, err := redis.ParseURL(place)
		if err != nil {
			return nil, err
		}
		return redisstore.New(goredis.New(redis.NewClient(o))), nil
	}
	return nil, fmt.Errorf("no such store: %q", place)
}
