package sqlstore

import (
	"bytes"
	"context"
	"errors"
	"iter"

	"github.com/sesame-go/sesame/store"
)

// pageSize is how many rows All and Owned read at once. Between two pages they
// hold no connection.
const pageSize = 200

// All implements [store.Lister]. It yields the sessions in the order of their
// keys, each once at most, and reads 200 in one statement.
func (s *Store) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return s.walk(ctx, "list", page)
}

// Owned implements [store.OwnerIndex]. It yields the sessions in the order of
// their keys, each once at most, and reads 200 in one statement.
func (s *Store) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	// Without an owner the column is NULL, so "" finds nothing.
	return s.walk(ctx, "list owned", ownedPage, []byte(owner))
}

// walk yields what a statement selects page by page. Keys never change, so a
// session that lives through the walk is in one of the pages.
func (s *Store) walk(ctx context.Context, what string, st statement, args ...any) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		after := []byte{} // precedes all keys
		for {
			rows, err := query(ctx, s, st, scanRow, append(args[:len(args):len(args)], after, s.now(), pageSize)...)
			if n := len(rows); n > 0 && err == nil {
				if bytes.Compare(rows[n-1].id, after) <= 0 { // it would never end
					err = errors.New("the index of the table is damaged: ids are out of order")
				}
				after = rows[n-1].id
			}
			if err != nil {
				yield(store.Entry{}, s.failed(ctx, what, err))
				return
			}
			for _, r := range rows {
				if !r.damaged && !yield(r.Entry, nil) {
					return
				}
			}
			if len(rows) < pageSize {
				return
			}
		}
	}
}
