package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
)

// Entry is a stored session as an administrator sees it.
type Entry struct {
	Info  Info
	Value any // *T
}

// All yields all live sessions. Those it cannot read are events.
func (e *Engine) All(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		lister, ok := e.Store.(store.Lister)
		if !ok {
			yield(Entry{}, e.unsupported("list its sessions"))
			return
		}
		began := e.began()
		for item, err := range lister.All(ctx) {
			if err != nil {
				yield(Entry{}, e.failed(ctx, "list", store.Key{}, began, err))
				return
			}
			var st stored
			value, why, _ := e.examine(item.Key, item.Record, &st)
			if e.skip(ctx, item.Key, why) {
				continue
			}
			if !yield(entry(st, value), nil) {
				return
			}
		}
	}
}

// OwnedBy yields the live sessions of one owner, by the store's index if it
// has one, else by reading all.
func (e *Engine) OwnedBy(ctx context.Context, owner string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if owner == "" {
			yield(Entry{}, errNobody)
			return
		}
		index, ok := e.Store.(store.OwnerIndex)
		if !ok {
			for item, err := range e.All(ctx) {
				if (err != nil || item.Info.Owner == owner) && !yield(item, err) {
					return
				}
			}
			return
		}
		began := e.began()
		for k, err := range index.Owned(ctx, owner) {
			if err != nil {
				yield(Entry{}, e.failed(ctx, "list", store.Key{}, began, err))
				return
			}
			item, err := e.find(ctx, k)
			if errors.Is(err, ErrNotFound) || err == nil && item.Info.Owner != owner {
				continue // an index may know more than there is
			}
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}

// Find returns one session.
func (e *Engine) Find(ctx context.Context, id string) (Entry, error) {
	k, err := parse(id)
	if err != nil {
		return Entry{}, err
	}
	return e.find(ctx, k)
}

func (e *Engine) find(ctx context.Context, k store.Key) (Entry, error) {
	value, st, err := e.load(ctx, k)
	if err != nil {
		return Entry{}, err
	}
	return entry(st, value), nil
}

// load fetches a session by its key, for those who have no token.
func (e *Engine) load(ctx context.Context, k store.Key) (any, stored, error) {
	began := e.began()
	var st stored
	value, why, err := e.fetch(ctx, k, &st)
	if err != nil {
		return nil, stored{}, e.failed(ctx, "load", k, began, err)
	}
	if e.skip(ctx, k, why) {
		return nil, stored{}, ErrNotFound
	}
	return value, st, nil
}

// UpdateByID applies fn to the latest value of any session and saves it if it
// changed. The session's expiry stays: this was not its user's request.
func (e *Engine) UpdateByID(ctx context.Context, id string, fn func(any) error) error {
	k, err := parse(id)
	if err != nil {
		return err
	}
	for attempt := range maxAttempts {
		value, st, err := e.load(ctx, k)
		if err != nil {
			return err
		}
		s := Session{engine: e, loaded: true, value: value, current: st}
		if err := fn(value); err != nil {
			return err
		}
		data, changed, err := s.encodeCurrent()
		if err != nil || !changed {
			return err
		}
		next, began := st, e.began()
		next.header.Codec = e.Codec.ID()
		// A request that came while fn ran has moved the expiry, which leaves
		// the version as it is.
		if r, err := e.Store.Load(ctx, k); err == nil && r.Version == st.version {
			next.expires = r.Expires
		}
		err = s.save(ctx, &next, data)
		if err == nil {
			e.emit(ctx, Event{Kind: Saved, Key: k, Duration: e.since(began)})
			return nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return s.refused(ctx, k, began, err)
		}
		if attempt == 0 {
			defer e.turn(k)()
		}
		pause(attempt)
	}
	return ErrConflict
}

// Revoke deletes sessions. Ids of sessions that are gone already are fine.
func (e *Engine) Revoke(ctx context.Context, ids []string) error {
	keys, err := parseAll(ids)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := e.delete(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// RevokeOwner deletes an owner's sessions but those in keep.
func (e *Engine) RevokeOwner(ctx context.Context, owner string, keep []string) (int, error) {
	if owner == "" {
		return 0, errNobody
	}
	// A session that is not stored yet has no ID, and needs no sparing.
	keep = slices.DeleteFunc(slices.Clone(keep), func(id string) bool { return id == "" })
	spare, err := parseAll(keep)
	if err != nil {
		return 0, err
	}
	index, ok := e.Store.(store.OwnerIndex)
	if !ok {
		return e.revokeListed(ctx, owner, spare)
	}
	began := e.began()
	n, err := index.DeleteOwned(ctx, owner, spare...)
	if err != nil {
		return n, e.failed(ctx, "delete", store.Key{}, began, err)
	}
	if n > 0 {
		e.emit(ctx, Event{Kind: Destroyed, Count: n, Duration: e.since(began)})
	}
	return n, nil
}

// revokeListed does without an index. It reads on until a whole walk finds
// nothing left, since a session may have been renewed behind its back.
func (e *Engine) revokeListed(ctx context.Context, owner string, keep []store.Key) (int, error) {
	spared := make(map[string]bool)
	for _, k := range keep {
		spared[k.String()] = true
	}
	n := 0
	for empty := 0; empty < 2; { // one walk may miss what is renewed meanwhile
		found := false
		for item, err := range e.OwnedBy(ctx, owner) {
			if err != nil {
				return n, err
			}
			if spared[item.Info.ID] {
				continue
			}
			k, err := parse(item.Info.ID)
			if err == nil {
				err = e.delete(ctx, k)
			}
			if err != nil {
				return n, err
			}
			found = true
			n++
		}
		if empty++; found {
			empty = 0
		}
	}
	return n, nil
}

func (e *Engine) delete(ctx context.Context, k store.Key) error {
	began := e.began()
	if err := e.Store.Delete(ctx, k); err != nil {
		return e.failed(ctx, "delete", k, began, err)
	}
	e.emit(ctx, Event{Kind: Destroyed, Key: k, Duration: e.since(began)})
	return nil
}

// Seed stores a session under a token the program has chosen, unless there is
// one.
func (e *Engine) Seed(ctx context.Context, tok string, value any) error {
	if !token.Valid(tok) {
		return fmt.Errorf("a token has %d characters out of A-Z and 2-7", token.Len)
	}
	s := Session{engine: e, value: value}
	data, err := e.encode(nil, value)
	if err != nil {
		return err
	}
	now := time.Now().Truncate(time.Millisecond)
	next := stored{key: token.Key(tok)}
	next.header = renewed(envelope.Header{Codec: e.Codec.ID(), Binding: token.Bind(tok)}, e, now)
	next.expires = expiry(next.header, now)
	began := e.began()
	if err := s.save(ctx, &next, data); err != nil && !errors.Is(err, store.ErrConflict) {
		return s.refused(ctx, next.key, began, err)
	}
	return nil
}

// skip reports whether a record is no live session; a corrupt one is an event.
func (e *Engine) skip(ctx context.Context, k store.Key, why *verdict) bool {
	if why != nil && why.kind == Corrupt {
		e.emit(ctx, Event{Kind: Corrupt, Key: k, Err: why.err})
	}
	return why != nil
}

func (e *Engine) unsupported(what string) error {
	return fmt.Errorf("sesame: %T cannot %s: %w", e.Store, what, errors.ErrUnsupported)
}

var errNobody = errors.New("sesame: the owner is empty")

func entry(st stored, value any) Entry {
	info := st.info()
	info.Owner, _ = ownerOf(value)
	return Entry{Info: info, Value: value}
}

// parse does not repeat the id in its error: it may be a token, given by
// mistake.
func parse(id string) (store.Key, error) {
	k, err := store.ParseKey(id)
	if err != nil {
		return store.Key{}, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return k, nil
}

func parseAll(ids []string) ([]store.Key, error) {
	keys := make([]store.Key, 0, len(ids))
	for _, id := range ids {
		k, err := parse(id)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}
