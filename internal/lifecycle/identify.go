package lifecycle

import (
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
)

// identify finds the one live session that a request's cookies name, and loads
// it. Without one, or with several, the request is anonymous: it gets a zero
// *T. Only a store that fails is an error.
//
// Others are the remaining sessions that the cookies name by a current or just
// replaced secret, even if this program cannot read them. The request is held if
// it is anonymous although there is one: two are live, the token was replaced
// just now, the device has not proved its key, or this program is too old to read
// it. What a held request writes must not take the place of that session.
func (e *Engine) identify(ctx context.Context, lines []string, proveFirst bool) (*state, error) {
	tokens := e.Carrier.Read(lines)
	candidates := tokens.All()
	s := &state{hadCookie: len(candidates) > 0 || tokens.Malformed}
	var events []Event // of several: which of them are news is known at the end
	live, began := 0, e.began()
	limited, cancel := e.limit(ctx)
	defer cancel()
	for _, candidate := range candidates {
		at := &s.latest
		if live > 0 {
			at = new(stored) // the first one stays where it is
		}
		asked := e.began()
		value, why, err := e.fetchByToken(limited, candidate, lines, at)
		switch {
		case err != nil:
			return nil, e.failed(ctx, "load", at.key, asked, err)
		case why == stale && proveFirst:
			return nil, ErrProveFirst
		}
		ev := Event{Kind: Loaded, Key: at.key, Owner: at.owner, Duration: e.since(asked)}
		if why == nil {
			if live++; live == 1 {
				s.value, s.token = value, candidate
			} else {
				s.others = append(s.others, at.key)
			}
		} else {
			ev.Kind, ev.Err = why.kind, why.err
			if why.kind == UnknownToken || why.kind == Superseded {
				ev.Owner = "" // what the record says is not for this token
			}
			if why.named && !slices.Contains(s.others, at.key) {
				s.others = append(s.others, at.key)
			}
			s.held = s.held || why.holds()
		}
		if len(candidates) == 1 {
			e.emit(ctx, ev)
		} else {
			events = append(events, ev)
		}
	}
	for _, ev := range events {
		old := ev.Kind == UnknownToken || ev.Kind == Expired || ev.Kind == Superseded
		if live == 0 || live == 1 && !old { // an old cookie beside the good one is no news
			e.emit(ctx, ev)
		}
	}
	switch {
	case live == 1:
		s.held = false
		return s, nil
	case live > 1:
		s.held = true
		s.others = append(s.others, s.latest.key)
		e.emit(ctx, Event{Kind: Ambiguous, Duration: e.since(began)})
	case tokens.Malformed && len(candidates) == 0:
		e.emit(ctx, Event{Kind: UnknownToken})
	}
	s.value, s.token, s.latest = reflect.New(e.Type).Interface(), "", e.zero
	return s, nil
}

// fetchByToken loads a token's session into st and returns its value, or says
// why there is none. Only a store that fails is an error. The cookies must have
// the proof of a device that the session is bound to.
func (e *Engine) fetchByToken(ctx context.Context, tok string, cookies []string, st *stored) (any, *verdict, error) {
	k, proof := token.ID(tok), token.HashOf(tok)
	r, why, err := e.fetch(ctx, k, st)
	if err != nil || why != nil {
		return nil, why, err
	}
	if why = e.proved(e.open(k, r, &proof, st), st, cookies); why != nil {
		return nil, why, nil
	}
	value, why := e.read(st)
	return value, why, nil
}

// fetch loads the record under k, or says why there is none.
func (e *Engine) fetch(ctx context.Context, k store.Key, st *stored) (store.Record, *verdict, error) {
	r, err := e.Store.Load(ctx, k)
	if err == nil {
		return r, nil, nil
	}
	*st = stored{key: k}
	if why := fromError(err); why != nil {
		return store.Record{}, why, nil
	}
	return store.Record{}, nil, err
}

// read makes a session of a record that was opened, or says why it is none.
func (e *Engine) read(st *stored) (any, *verdict) {
	st.rest(time.Now())
	value, err := e.decode(&st.snapshot)
	if err != nil {
		return nil, &verdict{Corrupt, err, true}
	}
	return value, nil
}
