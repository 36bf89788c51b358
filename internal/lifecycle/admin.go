package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
)

// Find returns one session by its ID.
func (e *Engine) Find(ctx context.Context, id string) (Entry, error) {
	k, err := parse(id)
	if err != nil {
		return Entry{}, err
	}
	ctx, cancel := e.limit(ctx)
	defer cancel()
	value, st, err := e.find(ctx, k)
	if err != nil {
		return Entry{}, err
	}
	return Entry{st.info(), value}, nil
}

func (e *Engine) find(ctx context.Context, k store.Key) (any, stored, error) {
	began := e.began()
	var st stored
	r, why, err := e.fetch(ctx, k, &st)
	if err != nil {
		return nil, stored{}, e.failed(ctx, "load", k, began, err)
	}
	var value any
	if why == nil {
		value, why = e.openAny(k, r, &st)
	}
	if why != nil {
		e.tellUnreadable(ctx, &st, why)
		return nil, stored{}, ErrNotFound
	}
	return value, st, nil
}

// openAny makes a session of any record, without a token.
func (e *Engine) openAny(k store.Key, r store.Record, st *stored) (any, *verdict) {
	if why := e.open(k, r, nil, st); why != nil {
		return nil, why
	}
	return e.read(st)
}

// tellUnreadable reports a record that is there, but is no readable session.
func (e *Engine) tellUnreadable(ctx context.Context, st *stored, why *verdict) {
	if why.kind == Corrupt || why.kind == Newer {
		e.emit(ctx, Event{Kind: why.kind, Key: st.key, Owner: st.owner, Err: why.err})
	}
}

// UpdateByID applies fn to the latest value of any session and saves it if it
// changed. It keeps the session's expiry, because this is not its user's request.
func (e *Engine) UpdateByID(ctx context.Context, id string, fn func(any) error) error {
	k, err := parse(id)
	if err != nil {
		return err
	}
	ctx, cancel := e.limit(ctx)
	defer cancel()
	for attempt := 0; ; attempt++ {
		if attempt == 1 {
			defer e.takeTurn(ctx, k)()
		}
		if attempt > 0 {
			if err := pause(ctx, attempt); err != nil {
				return err
			}
		}
		conflict, err := e.tryUpdateByID(ctx, k, fn)
		if !conflict {
			return err
		}
	}
}

func (e *Engine) tryUpdateByID(ctx context.Context, k store.Key, fn func(any) error) (conflict bool, err error) {
	value, next, err := e.find(ctx, k)
	if err != nil {
		return false, err
	}
	before := said(value)
	if err := fn(value); err != nil {
		return false, err
	}
	scratch := e.scratch.Get().(*[]byte)
	defer e.scratch.Put(scratch)
	changed, err := e.changed(&next.snapshot, value, scratch)
	if err != nil || !changed {
		return false, err
	}
	e.keepExpiry(ctx, &next)
	began := e.began()
	owner := ownerToStore(&next, before, value)
	err = e.put(ctx, &next, draft{snapshot: e.changedTo(ctx, &next, *scratch, owner), owner: owner})
	switch {
	case errors.Is(err, store.ErrConflict):
		return true, nil
	case err != nil:
		return false, e.refused(ctx, k, began, err)
	}
	e.emit(ctx, Event{Kind: Saved, Key: k, Owner: next.owner, Duration: e.since(began)})
	return false, nil
}

// keepExpiry gives st the expiry that the store has now: another request may have
// touched the record, which leaves the version as it is.
func (e *Engine) keepExpiry(ctx context.Context, st *stored) {
	if r, err := e.Store.Load(ctx, st.key); err == nil && r.Version == st.version {
		st.expires = r.Expires
	}
}

// Revoke ends sessions by their IDs. Unknown IDs are ignored.
func (e *Engine) Revoke(ctx context.Context, ids []string) error {
	keys, err := parseAll(ids)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := e.revoke(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) revoke(ctx context.Context, k store.Key) error {
	ctx, cancel := e.limit(ctx)
	defer cancel()
	return e.end(ctx, k, Revoked, "")
}

// end deletes a session, whose owner may be unknown.
func (e *Engine) end(ctx context.Context, k store.Key, kind Kind, owner string) error {
	began := e.began()
	if err := e.Store.Delete(ctx, k); err != nil {
		return e.failed(ctx, "delete", k, began, err)
	}
	e.streams.judge(k, token.Hash{}, time.Time{}, time.Now())
	e.emit(ctx, Event{Kind: kind, Key: k, Owner: owner, Duration: e.since(began)})
	return nil
}

// RevokeOwner ends an owner's sessions but those in keep.
func (e *Engine) RevokeOwner(ctx context.Context, owner string, keep []string) (int, error) {
	if owner == "" {
		return 0, errNoOwner
	}
	// A session that is not stored yet has no ID, and needs no keeping.
	keep = slices.DeleteFunc(slices.Clone(keep), func(id string) bool { return id == "" })
	kept, err := parseAll(keep)
	if err != nil {
		return 0, err
	}
	if e.owners == nil {
		return e.revokeListed(ctx, owner, kept)
	}
	ctx, cancel := e.limit(ctx)
	defer cancel()
	began := e.began()
	n, err := e.owners.DeleteOwned(ctx, owner, kept...)
	e.streams.owned(owner)
	if n > 0 {
		e.emit(ctx, Event{Kind: Revoked, Owner: owner, Count: n, Duration: e.since(began)})
	}
	if err != nil {
		return n, e.failed(ctx, "delete", store.Key{}, began, err)
	}
	return n, nil
}

// revokeListed is RevokeOwner without an index of owners: it reads all records. It
// also ends sessions that this program cannot read.
func (e *Engine) revokeListed(ctx context.Context, owner string, keep []store.Key) (n int, err error) {
	for r, err := range e.records(ctx) {
		if err != nil {
			return n, err
		}
		if r.Owner != owner || slices.Contains(keep, r.Key) {
			continue
		}
		if err := e.revoke(ctx, r.Key); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Count returns how many records of the store are live.
func (e *Engine) Count(ctx context.Context) (n int, err error) {
	if counter, ok := store.Capability[store.Counter](e.Store); ok {
		limited, cancel := e.limit(ctx)
		defer cancel()
		began := e.began()
		n, err := counter.Count(limited)
		if err == nil {
			return n, nil
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return 0, e.failed(limited, "count", store.Key{}, began, err)
		}
	}
	for _, err := range e.records(ctx) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// Ping finds out whether the store answers.
func (e *Engine) Ping(ctx context.Context) error {
	ctx, cancel := e.limit(ctx)
	defer cancel()
	began := e.began()
	err := errors.ErrUnsupported
	if p, ok := store.As[store.Pinger](e.Store); ok {
		err = p.Ping(ctx)
	}
	if errors.Is(err, errors.ErrUnsupported) {
		if _, err = e.Store.Load(ctx, token.ID(token.New())); fromError(err) != nil {
			err = nil
		}
	}
	if err != nil {
		return e.failed(ctx, "ping", store.Key{}, began, err)
	}
	return nil
}

// Seed stores a session under a token the program has chosen, unless there is
// one with that ID.
func (e *Engine) Seed(ctx context.Context, tok string, value any) error {
	return e.SeedVersion(ctx, tok, int(e.schema), value)
}

// SeedVersion is Seed for a session as an older program has stored it.
func (e *Engine) SeedVersion(ctx context.Context, tok string, version int, value any) error {
	if !token.Valid(tok) {
		return errors.New(token.Form)
	}
	switch t, _ := e.typeOf(version); {
	case t == nil:
		return fmt.Errorf("sesame: no session is of version %d, or no step of WithUpgrade begins there; T has version %d", version, e.schema)
	case t != reflect.TypeOf(value).Elem():
		return fmt.Errorf("sesame: sessions of version %d are of type %v, not %v", version, t, reflect.TypeOf(value).Elem())
	}
	var payload []byte
	if err := e.encode(&payload, value, nil); err != nil {
		return err
	}
	ctx, cancel := e.limit(ctx)
	defer cancel()
	now := time.Now().Truncate(time.Millisecond)
	next := stored{key: token.ID(tok), header: envelope.Header{Created: now, Secret: token.HashOf(tok)}}
	e.begin(&next.header, now)
	next.expires = expiry(&next.header, now)
	began := e.began()
	err := e.put(ctx, &next, draft{snapshot: e.snapshot(encoded{payload, e.Codec.ID(), uint16(version)}), owner: said(value)})
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return e.refused(ctx, next.key, began, err)
	}
	return nil
}

var errNoOwner = errors.New("sesame: the owner is empty")

// parse does not quote the ID in its error: it may be a token, passed by mistake.
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
