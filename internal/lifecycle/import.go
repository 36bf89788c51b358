package lifecycle

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
)

// Import is a session of another library, found by that library's cookie, or
// only the token of one that it does not know (any more).
type Import struct {
	Known    bool
	Token    string // the other library's, which cannot be guessed
	Value    any    // *T
	Expires  time.Time
	Remember bool                        // until Expires, in a cookie that outlives the browser
	Forget   func(context.Context) error // nil: the other library cannot
}

// An imported session's ID and first secret are derived from the token of the other
// library. So concurrent requests of one browser, which carry the same old cookie,
// make one session: one of them creates it, and the others find it and have its token
// too, even if the other library has forgotten the session by then. Each sets the
// cookie after a compare-and-swap of its own.
//
// Whether the other library still knows the session is asked once more when it
// is created here, and then it is told to forget it. If it does not know it,
// another request created the session first, and it has ended since.

// foundImport looks for a session of another library, in a request that is anonymous
// with st. It returns that session, or what it has become here, or st.
func (s *Session) foundImport(ctx context.Context, st *state) (*state, error) {
	imp, err := s.askImport(ctx)
	if imp == nil {
		return st, err
	}
	e := s.engine
	limited, cancel := e.limit(ctx)
	defer cancel()
	next := &state{token: token.Derive(imp.Token), hadCookie: st.hadCookie, others: st.others, imported: imp}
	began := e.began()
	value, why, err := e.fetchByToken(limited, next.token, s.lines, &next.latest)
	switch {
	case err != nil:
		return nil, e.failed(ctx, "load", next.latest.key, began, err)
	case why == nil:
		next.value = value
		e.emit(ctx, Event{Kind: Loaded, Key: next.latest.key, Owner: next.latest.owner, Duration: e.since(began)})
		return next, nil
	case next.latest.exists(): // imported before, and renewed since, or not readable here
		st.held = why.holds()
		if why.named {
			st.others = append(st.others, next.latest.key)
		}
		e.emit(ctx, Event{Kind: why.kind, Key: next.latest.key, Err: why.err, Duration: e.since(began)})
		return st, nil
	case !imp.Known:
		return st, nil
	}
	var payload []byte
	if err := e.encode(&payload, imp.Value, nil); err != nil {
		return nil, err
	}
	key := next.latest.key
	next.latest = e.zero
	next.latest.key, next.latest.header.Secret = key, token.HashOf(next.token)
	next.latest.snapshot = e.snapshot(e.written(payload))
	next.value = imp.Value
	return next, nil
}

// askImport asks for a session of another library. Without a token the result
// is nil. A session past its Expires counts as not known.
func (s *Session) askImport(ctx context.Context) (*Import, error) {
	e := s.engine
	if e.Import == nil || s.over { // the request may be gone
		return nil, nil
	}
	limited, cancel := s.reach()
	defer cancel()
	began := e.began()
	imp, err := e.Import(s.imports.WithContext(limited)) // its own: some libraries keep what they found in the request
	switch {
	case err != nil:
		return nil, e.failed(limited, "ask the other library", store.Key{}, began, err)
	case imp.Token == "" && imp.Known:
		e.Log(ctx, slog.LevelError, "sesame: the function of WithImport returned a session without its Token, which is not imported")
		return nil, nil
	case imp.Token == "":
		return nil, nil
	}
	imp.Known = imp.Known && (imp.Expires.IsZero() || time.Now().Before(imp.Expires))
	return &imp, nil
}

// reach returns a context for a call of the other library. It ends with
// WithStoreTimeout, and not if the client hangs up.
func (s *Session) reach() (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(outside{&s.request, s.engine}, s.engine.Timeout, errNoAnswer)
}

// createImported stores an imported session for the first time. It reports a
// conflict if another request was faster.
func (s *Session) createImported(ctx context.Context, next stored, now time.Time, d draft) (conflict bool, err error) {
	e, tok := s.engine, s.token
	next.key, next.header.Secret = s.latest.key, s.latest.header.Secret
	if !s.imported.Expires.IsZero() && !s.renew && !s.remembering {
		next.header.Deadline = s.imported.Expires
		if s.imported.Remember {
			next.header.Remembered, next.header.Idle = true, 0
		}
		next.expires = expiry(&next.header, now)
	}
	if s.renew {
		tok = token.Renew(next.key)
		next.header.Previous, next.header.Secret = next.header.Secret, token.HashOf(tok)
		d.durable = true
	}
	began := e.began()
	err = e.put(ctx, &next, d)
	switch {
	case errors.Is(err, store.ErrConflict) && s.renew && s.sentTwice(&next, d):
	case errors.Is(err, store.ErrConflict):
		return true, nil
	case err != nil:
		return false, e.refused(ctx, next.key, began, err)
	}
	again, err := s.askImport(ctx)
	switch {
	case err != nil:
		return false, err // the record stays: the next request joins it
	case (again == nil || !again.Known) && s.imported.Forget != nil:
		ctx, cancel := s.detach()
		defer cancel()
		if err := e.Store.Delete(ctx, next.key); err != nil {
			return false, e.failed(ctx, "delete", next.key, began, err)
		}
		s.latest = next
		return false, s.lose(ctx, unknown, e.since(began))
	}
	imp := s.imported
	s.saved(ctx, now, next, tok, Created, e.since(began))
	_ = s.forget(imp) // an error is an event; the session here is kept
	return false, nil
}

// destroyImport makes a log-out also end what the old cookie would import next.
func (s *Session) destroyImport(ctx context.Context) error {
	if s.imported != nil {
		if !s.latest.exists() {
			s.doomed = append(s.doomed, s.latest.key) // another request may have created it
		}
		return nil
	}
	imp, err := s.askImport(ctx)
	if imp == nil {
		return err
	}
	limited, cancel := s.engine.limit(ctx)
	defer cancel()
	began := s.engine.began()
	var st stored
	_, why, err := s.engine.fetchByToken(limited, token.Derive(imp.Token), s.lines, &st)
	if err != nil {
		return s.engine.failed(ctx, "load", st.key, began, err)
	}
	if (why == nil || why.named || imp.Known && !st.exists()) && st.key != s.latest.key {
		s.doomed = append(s.doomed, st.key)
	}
	s.imported = imp
	return nil
}

// forget makes the other library forget its session, even if the client has hung
// up.
func (s *Session) forget(imp *Import) error {
	if imp.Forget == nil {
		return nil
	}
	ctx, cancel := s.reach()
	defer cancel()
	began := s.engine.began()
	if err := imp.Forget(ctx); err != nil {
		return s.engine.failed(ctx, "forget what was imported", s.latest.key, began, err)
	}
	return nil
}
