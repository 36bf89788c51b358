package lifecycle

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/sesame-go/sesame/internal/dbsc"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
)

// Answer is what a browser is told that registers its device's key, or proves
// it.
type Answer struct {
	Status    int           // 200, 400, 403, 404 or 503
	ID        string        // the session's, with 200 and a challenge
	Challenge string        // to be signed, with 403 in a refresh
	Proof     string        // the bound cookie's value, with 200
	Life      time.Duration // of that cookie
}

// A browser drops its key at 400 and 404, and keeps it at 403 and 503.
var (
	malformed   = Answer{Status: http.StatusBadRequest}
	forbidden   = Answer{Status: http.StatusForbidden}
	notFound    = Answer{Status: http.StatusNotFound}
	unavailable = Answer{Status: http.StatusServiceUnavailable}
)

// Register binds the session of a request to the key in the token. The challenge
// is one that this session's own response has offered, so that a thief who has
// the cookies alone cannot register a key. It is one compare-and-swap: the first
// key stays.
func (e *Engine) Register(ctx context.Context, cookies []string, jwt string) Answer {
	key, challenge, err := dbsc.VerifyRegistration(jwt, e.Device.Algorithms)
	if err != nil {
		return malformed
	}
	ctx, cancel := e.limit(ctx)
	defer cancel()
	tokens := e.Carrier.Read(cookies)
	for _, tok := range tokens.All() {
		for attempt := 0; ; attempt++ {
			if attempt > 0 && pause(ctx, attempt) != nil {
				return unavailable
			}
			answer, conflict := e.tryRegister(ctx, tok, key, challenge)
			if answer.Status == http.StatusForbidden {
				break // it may be for the next token
			}
			if !conflict {
				return answer
			}
		}
	}
	return forbidden
}

// tryRegister binds a token's session once. It reports a conflict if another
// request was faster.
func (e *Engine) tryRegister(ctx context.Context, tok string, key []byte, challenge string) (answer Answer, conflict bool) {
	began, now := e.began(), dbsc.Now().Truncate(time.Millisecond)
	k, proof := token.ID(tok), token.HashOf(tok)
	var st stored
	r, why, err := e.fetch(ctx, k, &st)
	if err != nil {
		_ = e.failed(ctx, "load", k, began, err)
		return unavailable, false
	}
	if why == nil {
		why = e.open(k, r, &proof, &st)
	}
	if why != nil {
		return forbidden, false
	}
	b, err := dbsc.Parse(st.header.Device)
	if err != nil {
		return forbidden, false
	}
	if at, ok := b.Read(dbsc.Registration, k, challenge); !ok || !e.Device.Offered(now.Sub(at)) {
		return forbidden, false
	}
	if st.header.Bound {
		return forbidden, false
	}
	b.Since, b.Key = now, key
	st.header.Device, st.header.Bound = b.Bytes(), true
	err = e.put(ctx, &st, draft{snapshot: st.snapshot, owner: st.owner, durable: true})
	switch {
	case err == nil, !errors.As(err, new(invalid)) && e.registered(ctx, k, st.header.Device): // the reply was lost, or it was sent twice
	case errors.Is(err, store.ErrConflict):
		return Answer{}, true
	default:
		_ = e.refused(ctx, k, began, err)
		return unavailable, false
	}
	e.emit(ctx, Event{Kind: Bound, Key: k, Owner: st.owner, Duration: e.since(began)})
	return e.accept(b, k, now), false
}

// registered reports whether the record has this very registration. A browser
// that is told otherwise drops the key, and has then lost the session.
func (e *Engine) registered(ctx context.Context, k store.Key, device []byte) bool {
	ctx, cancel := e.limit(context.WithoutCancel(ctx)) // the save's own time may be up
	defer cancel()
	r, err := e.loadPatiently(ctx, k)
	var st stored
	return err == nil && e.open(k, r, nil, &st) == nil && slices.Equal(st.header.Device, device)
}

// accept returns the proof of a challenge that was made at a given time.
func (e *Engine) accept(b dbsc.Binding, k store.Key, at time.Time) Answer {
	return Answer{
		Status: http.StatusOK, ID: k.String(),
		Proof: b.Stamp(dbsc.Proof, k, at), Life: e.Device.Cookie(dbsc.Now().Sub(at)),
	}
}

// Refresh answers a browser that proves its device's key, or asks for a challenge
// to do so. It only reads. The request's cookies must name the session, but the
// secret may be one of before: a refresh may cross a renewal, and the proof of
// the key is worth more.
func (e *Engine) Refresh(ctx context.Context, cookies []string, id, jwt string) Answer {
	k, err := parse(id)
	if err != nil {
		return notFound
	}
	tokens := e.Carrier.Read(cookies)
	if !slices.ContainsFunc(tokens.All(), func(tok string) bool { return token.ID(tok) == k }) {
		return notFound
	}
	ctx, cancel := e.limit(ctx)
	defer cancel()
	began := e.began()
	var st stored
	r, why, err := e.fetch(ctx, k, &st)
	if err != nil {
		_ = e.failed(ctx, "load", k, began, err)
		return unavailable
	}
	if why == nil {
		why = e.open(k, r, nil, &st)
	}
	switch {
	case why != nil && (why.kind == Corrupt || why.kind == Newer):
		return unavailable // another program may be able to read it
	case why != nil || !st.header.Bound:
		return notFound
	}
	b, err := dbsc.Parse(st.header.Device)
	if err != nil {
		return unavailable
	}
	now := dbsc.Now()
	if jwt != "" {
		key, err := b.PublicKey()
		if err != nil {
			return unavailable
		}
		challenge, err := dbsc.VerifyRefresh(jwt, key)
		if err != nil {
			return malformed
		}
		if at, ok := b.Read(dbsc.Refresh, k, challenge); ok && e.Device.Answered(now.Sub(at)) {
			return e.accept(b, k, at)
		}
	}
	return Answer{Status: http.StatusForbidden, ID: k.String(), Challenge: b.Stamp(dbsc.Refresh, k, now)}
}
