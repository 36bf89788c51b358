package sqlstore

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"iter"
	"strings"

	"github.com/sesame-go/sesame/store"
)

const (
	// pageSize is how many records All reads at once. Between two pages it
	// holds no connection.
	pageSize = 200

	// sweepStep is how many records Sweep removes in one statement: few, so
	// that those who write meanwhile do not wait long.
	sweepStep = 200
)

// All implements [store.Lister]. It yields the sessions in the order of their
// keys, each once at most.
func (s *Store) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		after := []byte{} // comes before all keys
		for {
			entries, err := s.page(ctx, after)
			if err != nil {
				yield(store.Entry{}, s.failed(ctx, "list", err))
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
			if len(entries) < pageSize {
				return
			}
			after = entries[len(entries)-1].Key[:]
		}
	}
}

func (s *Store) page(ctx context.Context, after []byte) ([]store.Entry, error) {
	return query(ctx, s, page, func(rows *sql.Rows) (e store.Entry, err error) {
		var id []byte
		if e.Record, err = scan(rows, &id); err != nil {
			return e, err
		}
		return e, setKey(&e.Key, id)
	}, after, s.now(), pageSize)
}

// Owned implements [store.OwnerIndex]. It reads the keys in one statement
// before it yields the first.
func (s *Store) Owned(ctx context.Context, owner string) iter.Seq2[store.Key, error] {
	return func(yield func(store.Key, error) bool) {
		// The owner "" finds nothing: nobody is NULL in the table.
		keys, err := query(ctx, s, owned, scanKey, []byte(owner), s.now())
		if err != nil {
			yield(store.Key{}, s.failed(ctx, "list owned", err))
			return
		}
		for _, k := range keys {
			if !yield(k, nil) {
				return
			}
		}
	}
}

// DeleteOwned implements [store.OwnerIndex]. It removes all live sessions in
// one statement, after those that have expired: they may still be live by the
// clock of another process.
func (s *Store) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	// The keys to keep are one parameter, however many they are. No key is
	// found in it by mistake, since there is a comma between any two.
	var kept strings.Builder
	for _, k := range keep {
		kept.WriteString(hex.EncodeToString(k[:]))
		kept.WriteByte(',')
	}
	list := strings.ToUpper(kept.String())
	total := 0
	for range maxTries {
		n, err := s.write(ctx, "delete owned", func(x exec) (int64, error) {
			if _, err := x(removeOwned, []byte(owner), s.now(), list); err != nil {
				return 0, err
			}
			return x(removeOwned, []byte(owner), lastMillis, list)
		})
		total += int(n)
		if err != nil {
			return total, err
		}
		left, err := s.left(ctx, owner, list)
		if err != nil {
			return total, s.failed(ctx, "delete owned", err)
		}
		if !left {
			return total, nil
		}
	}
	return total, errors.New("sqlstore: delete owned: others keep adding sessions of this owner")
}

// left reports whether DeleteOwned has overlooked a session, in a database in
// which that may happen.
func (s *Store) left(ctx context.Context, owner, kept string) (bool, error) {
	if s.texts[leftOwned] == "" {
		return false, nil
	}
	rows, err := query(ctx, s, leftOwned, scanKey, []byte(owner), kept)
	return len(rows) > 0, err
}

// Sweep implements [store.Sweeper]. It removes at most 200 sessions in one
// statement, however great the limit is, and lets others write in between.
func (s *Store) Sweep(ctx context.Context, limit int) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, s.failed(ctx, "sweep", err)
	}
	total := 0
	for total < limit {
		step := min(limit-total, sweepStep)
		n, err := s.write(ctx, "sweep", func(x exec) (int64, error) {
			now := s.now()
			return x(sweep, slot(now), now, step)
		})
		total += int(n)
		if err != nil {
			return total, err
		}
		if int(n) < step {
			break
		}
	}
	return total, nil
}

// query returns what a statement selects.
func query[T any](ctx context.Context, s *Store, st statement, scan func(*sql.Rows) (T, error), args ...any) ([]T, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, err := s.statements(ctx)
	if err != nil {
		return nil, err
	}
	var all []T
	err = s.repeat(ctx, func() error {
		rows, err := p[st].QueryContext(ctx, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // rows.Err has what there is to say
		all = nil
		for rows.Next() {
			one, err := scan(rows)
			if err != nil {
				return err
			}
			all = append(all, one)
		}
		return rows.Err()
	})
	return all, err
}

func scanKey(rows *sql.Rows) (k store.Key, err error) {
	var id []byte
	if err := rows.Scan(&id); err != nil {
		return k, err
	}
	return k, setKey(&k, id)
}

func setKey(k *store.Key, id []byte) error {
	if copy(k[:], id) != len(k) || len(id) != len(k) {
		return errors.New("the table has an id that is not of 32 bytes")
	}
	return nil
}
