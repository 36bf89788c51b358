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
func (e *Engine) resolve(ctx context.Context, cookies []string, room *storeContext, st *stored) (value any, tok string, err error) {
	tokens := cookie.Read(cookies, e.CookieName)
	candidates := tokens.All()
	var events []Event // of several: which of them are news is known at the end
	live, began := 0, e.began()
	limited := e.limit(ctx, room)
	defer limited.end()
	for _, candidate := range candidates {
		at := st
		if live > 0 {
			at = new(stored) // the first one stays where it is
		}
		asked := e.began()
		v, why, err := e.lookup(limited, candidate, at)
		if err != nil {
			return nil, "", e.failed(ctx, "load", at.key, asked, err)
		}
		ev := Event{Kind: Loaded, Key: at.key, Duration: e.since(asked)}
		if why != nil {
			ev.Kind, ev.Err = why.kind, why.err
		} else if live++; live == 1 {
			value, tok = v, candidate
		}
		if len(candidates) == 1 {
			e.emit(ctx, ev)
		} else {
			events = append(events, ev)
		}
	}
	for _, ev := range events {
		stale := ev.Kind == UnknownToken || ev.Kind == Expired
		if live == 0 || live == 1 && !stale { // a stale cookie beside the good one is no news
			e.emit(ctx, ev)
		}
	}
	switch {
	case live == 1:
		return value, tok, nil
	case live > 1:
		e.emit(ctx, Event{Kind: Ambiguous, Duration: e.since(began)})
	case tokens.Malformed && len(candidates) == 0:
		e.emit(ctx, Event{Kind: UnknownToken})
	}
	*st = e.zero
	return reflect.New(e.Type).Interface(), "", nil
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
func (e *Engine) lookup(ctx context.Context, tok string, st *stored) (any, *verdict, error) {
	value, why, err := e.fetch(ctx, token.Key(tok), st)
	if err == nil && why == nil && !st.header.Binding.Binds(tok) {
		return nil, corrupt(errBinding), nil
	}
	return value, why, err
}

// fetch loads the session under a key into st and returns its value, or says
// why there is none. Only a store that fails is an error.
func (e *Engine) fetch(ctx context.Context, k store.Key, st *stored) (any, *verdict, error) {
	rec, err := e.Store.Load(ctx, k)
	if err == nil {
		return e.examine(k, rec, st)
	}
	*st = stored{key: k}
	switch {
	case errors.Is(err, store.ErrExpired):
		return nil, expired, nil
	case errors.Is(err, store.ErrNotFound):
		return nil, unknown, nil
	case errors.Is(err, store.ErrCorrupt):
		return nil, corrupt(err), nil
	}
	return nil, nil, err
}

// examine makes a session of a record, or says why it is none.
func (e *Engine) examine(k store.Key, rec store.Record, st *stored) (any, *verdict, error) {
	err := open(k, rec, st)
	now := time.Now()
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, unknown, nil
	case err != nil:
		return nil, corrupt(err), nil
	case !st.alive(now):
		return nil, expired, nil
	}
	st.rest(now)
	value, err := e.decode(st)
	if err != nil {
		return nil, corrupt(err), nil
	}
	return value, nil, nil
}
