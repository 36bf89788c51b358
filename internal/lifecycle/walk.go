package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/sesame-go/sesame/store"
)

// Entry is a stored session as an administrator sees it.
type Entry struct {
	Info  Info
	Value any // *T
}

// All yields all live sessions. One that it cannot read is reported as an event.
func (e *Engine) All(ctx context.Context) iter.Seq2[Entry, error] {
	return e.sessions(ctx, e.records(ctx))
}

// OwnedBy yields the live sessions of one owner, by the store's index if it
// has one, else by reading all.
func (e *Engine) OwnedBy(ctx context.Context, owner string) iter.Seq2[Entry, error] {
	if owner == "" {
		return func(yield func(Entry, error) bool) { yield(Entry{}, errNoOwner) }
	}
	return e.sessions(ctx, e.owned(ctx, owner))
}

// owned yields the records of one owner.
func (e *Engine) owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	if e.owners != nil {
		return e.paced(ctx, func(ctx context.Context) iter.Seq2[store.Entry, error] {
			return e.owners.Owned(ctx, owner)
		})
	}
	all := e.records(ctx)
	return func(yield func(store.Entry, error) bool) {
		for r, err := range all {
			if (err != nil || r.Owner == owner) && !yield(r, err) {
				return
			}
		}
	}
}

// sessions decodes records.
func (e *Engine) sessions(ctx context.Context, records iter.Seq2[store.Entry, error]) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for r, err := range records {
			if err != nil {
				yield(Entry{}, err)
				return
			}
			var st stored
			value, why := e.openAny(r.Key, r.Record, &st)
			if why != nil {
				e.tellUnreadable(ctx, &st, why)
				continue
			}
			if !yield(Entry{st.info(), value}, nil) {
				return
			}
		}
	}
}

// records yields all records of the store.
func (e *Engine) records(ctx context.Context) iter.Seq2[store.Entry, error] {
	if e.lister == nil {
		return func(yield func(store.Entry, error) bool) {
			yield(store.Entry{}, fmt.Errorf("sesame: %T cannot list its sessions: %w", e.Store, errors.ErrUnsupported))
		}
	}
	return e.paced(ctx, e.lister.All)
}

// paced walks through a store. A walk may take as long as its consumer likes, but the
// store must return the next record within WithStoreTimeout.
func (e *Engine) paced(ctx context.Context, walk func(context.Context) iter.Seq2[store.Entry, error]) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		began := e.began()
		limited, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		timer := time.AfterFunc(e.Timeout, func() { cancel(errNoAnswer) })
		defer timer.Stop()
		for r, err := range walk(limited) {
			timer.Stop()
			switch {
			case errors.Is(err, errors.ErrUnsupported):
				yield(store.Entry{}, fmt.Errorf("sesame: %w", err))
				return
			case err != nil:
				yield(store.Entry{}, e.failed(limited, "list", store.Key{}, began, err))
				return
			case !yield(r, nil):
				return
			}
			timer.Reset(e.Timeout)
		}
	}
}
