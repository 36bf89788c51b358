package lifecycle

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/sesame-go/sesame/internal/cookie"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
)

var errBinding = errors.New("the record belongs to another token: the store answered for somebody else")

// resolve finds the one live session that a request's cookies name. Without
// one, or with more, the request is anonymous: it gets a zero *T. Only a store
// that fails is an error.
func (e *Engine) resolve(ctx context.Context, cookies []string) (value any, tok string, st stored, err error) {
	tokens := cookie.Read(cookies, e.CookieName)
	var events [cookie.MaxTokens]Event
	live, took := 0, time.Duration(0)
	for i, candidate := range tokens.All() {
		began := time.Now()
		v, found, why, err := e.lookup(ctx, candidate)
		if err != nil {
			return nil, "", stored{}, e.failed(ctx, "load", token.Key(candidate), began, err)
		}
		events[i] = Event{Kind: Loaded, Key: found.key, Duration: time.Since(began)}
		took += events[i].Duration
		if why != nil {
			events[i].Kind, events[i].Err = why.kind, why.err
			continue
		}
		if live++; live == 1 {
			value, tok, st = v, candidate, found
		}
	}
	if live > 1 {
		e.emit(ctx, Event{Kind: Ambiguous, Duration: took})
		return reflect.New(e.Type).Interface(), "", e.zero, nil
	}
	for _, ev := range events[:len(tokens.All())] {
		if live == 1 && (ev.Kind == UnknownToken || ev.Kind == Expired) {
			continue // a stale cookie beside the good one is no news
		}
		e.emit(ctx, ev)
	}
	if live == 1 {
		return value, tok, st, nil
	}
	if tokens.Malformed && len(tokens.All()) == 0 {
		e.emit(ctx, Event{Kind: UnknownToken})
	}
	return reflect.New(e.Type).Interface(), "", e.zero, nil
}

// verdict says why a record is not a live session.
type verdict struct {
	kind Kind
	err  error
}

var (
	unknown = &verdict{kind: UnknownToken}
	expired = &verdict{kind: Expired}
)

func corrupt(err error) *verdict { return &verdict{Corrupt, err} }

// lookup loads a token's session.
func (e *Engine) lookup(ctx context.Context, tok string) (any, stored, *verdict, error) {
	value, st, why, err := e.fetch(ctx, token.Key(tok))
	if err == nil && why == nil && !st.header.Binding.Binds(tok) {
		return nil, st, corrupt(errBinding), nil
	}
	return value, st, why, err
}

// fetch loads the session under a key, or says why there is none. Only a store
// that fails is an error.
func (e *Engine) fetch(ctx context.Context, k store.Key) (any, stored, *verdict, error) {
	rec, err := e.Store.Load(ctx, k)
	if err == nil {
		return e.examine(k, rec)
	}
	switch {
	case errors.Is(err, store.ErrExpired):
		return nil, stored{key: k}, expired, nil
	case errors.Is(err, store.ErrNotFound):
		return nil, stored{key: k}, unknown, nil
	case errors.Is(err, store.ErrCorrupt):
		return nil, stored{key: k}, corrupt(err), nil
	}
	return nil, stored{key: k}, nil, err
}

// examine makes a session of a record, or says why it is none.
func (e *Engine) examine(k store.Key, rec store.Record) (any, stored, *verdict, error) {
	st, err := open(k, rec)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, stored{key: k}, unknown, nil
	case err != nil:
		return nil, stored{key: k}, corrupt(err), nil
	case !st.alive(time.Now()):
		return nil, st, expired, nil
	}
	value, err := e.decode(st)
	if err != nil {
		return nil, st, corrupt(err), nil
	}
	return value, st, nil, nil
}
