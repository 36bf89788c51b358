package lifecycle

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/sesame-go/sesame/store"
)

// Tell makes f hear of all events from now on, besides the observer. f must be
// safe for concurrent use, return soon and not panic. It is for package inspect,
// which is given an engine that works already.
func (e *Engine) Tell(f func(Event)) {
	for {
		before := e.watchers.Load()
		var all []func(Event)
		if before != nil {
			all = append(all, *before...)
		}
		all = append(all, f)
		if e.watchers.CompareAndSwap(before, &all) {
			return
		}
	}
}

func (e *Engine) tell(ev Event) {
	if all := e.watchers.Load(); all != nil {
		for _, f := range *all {
			f(ev)
		}
	}
}

// A Look is what a stored record shows to package inspect.
type Look struct {
	Entry           // Value is nil if the record cannot be read
	Err      error  // why it cannot
	Size     int    // of the record, in bytes
	Codec    byte   // the ID of the codec that wrote it
	Schema   uint16 // its version of the session type
	Deadline time.Time
	Idle     time.Duration
}

// Look reads a record. Unlike [Engine.Find] it tells no event of one that is
// unreadable: an operator who looks at it again and again is no news.
func (e *Engine) Look(r store.Entry) Look {
	var st stored
	value, why := e.openAny(r.Key, r.Record, &st)
	h := &st.header
	l := Look{Entry: Entry{Info: st.info()}, Size: len(r.Data), Codec: h.Codec, Schema: h.Schema, Deadline: h.Deadline, Idle: h.Idle}
	switch {
	case why == nil:
		l.Value = value
	case why.err != nil:
		l.Err = why.err
	default:
		l.Err = ErrNotFound // it has expired
	}
	return l
}

// Record returns the record of a session. It tells no event either.
func (e *Engine) Record(ctx context.Context, k store.Key) (store.Entry, error) {
	ctx, cancel := e.limit(ctx)
	defer cancel()
	r, err := e.Store.Load(ctx, k)
	why := fromError(err)
	switch {
	case err == nil:
		return store.Entry{Key: k, Record: r}, nil
	case why == nil:
		return store.Entry{}, fmt.Errorf("%w: load: %w", ErrStore, err)
	case why.err != nil:
		return store.Entry{}, why.err
	}
	return store.Entry{}, ErrNotFound
}

// Records yields all records, or those of an owner. Whether they can be read is
// not looked at.
func (e *Engine) Records(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	if owner == "" {
		return e.records(ctx)
	}
	return e.owned(ctx, owner)
}

// Can reports whether the store lists its sessions, and has an index of owners.
func (e *Engine) Can() (list, index bool) { return e.lister != nil, e.owners != nil }

// SchemaVersion returns the version of the session type.
func (e *Engine) SchemaVersion() int { return int(e.schema) }
