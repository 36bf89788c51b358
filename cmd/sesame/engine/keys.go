package engine

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/redisstore/goredis"
)

// Keys returns the keys of all records, also of those that are damaged, which
// the stores on Redis and SQL databases leave out of their lists. It returns nil
// for the other engines.
func (e *Engine) Keys(ctx context.Context) iter.Seq2[store.Key, error] {
	switch {
	case e.Redis != nil:
		return e.redisKeys(ctx)
	case e.DB != nil:
		return e.tableKeys(ctx)
	}
	return nil
}

func (e *Engine) redisKeys(ctx context.Context) iter.Seq2[store.Key, error] {
	return func(yield func(store.Key, error) bool) {
		start := e.Name + "s:"
		for name, err := range goredis.New(e.Redis).Scan(ctx, start+"*") {
			if err != nil {
				yield(store.Key{}, err)
				return
			}
			k, err := store.ParseKey(strings.TrimPrefix(name, start))
			if err == nil && !yield(k, nil) {
				return
			}
		}
	}
}

// tableKeys reads the table as docs/STORES.md describes it, a thousand rows at a
// time, without those that have expired.
func (e *Engine) tableKeys(ctx context.Context) iter.Seq2[store.Key, error] {
	const page = 1000
	query := fmt.Sprintf("SELECT id FROM %s WHERE id > ? AND exp > ? ORDER BY id LIMIT %d", e.Name, page)
	if e.Kind == "postgres" {
		query = strings.Replace(strings.Replace(query, "?", "$1", 1), "?", "$2", 1)
	}
	return func(yield func(store.Key, error) bool) {
		after := []byte{}
		for {
			ids, err := e.ids(ctx, query, after, time.Now().UnixMilli())
			if err != nil {
				yield(store.Key{}, err)
				return
			}
			for _, id := range ids {
				if len(id) == len(store.Key{}) && !yield(store.Key(id), nil) {
					return
				}
			}
			if len(ids) < page {
				return
			}
			after = ids[page-1]
		}
	}
}

func (e *Engine) ids(ctx context.Context, query string, args ...any) (ids [][]byte, err error) {
	rows, err := e.DB.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id []byte
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
