package lifecycle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
)

// draft is a new version of a session, before it has a header.
type draft struct {
	snapshot // its payload is copied
	owner    string
	whole    bool // the payload is what *T is, not what Update made
	touch    bool // only the expiry and the cookie move
	durable  bool
}

// swap stores the draft if the store still has the latest version, and carries
// out what Renew and Remember have asked for in the same step. It reports a
// conflict if it has not.
func (s *Session) swap(ctx context.Context, d draft) (conflict bool, err error) {
	now := time.Now().Truncate(time.Millisecond)
	switch exists := s.latest.exists(); {
	case s.held && !s.renew:
		return false, fmt.Errorf("%w: the request's token was replaced, or its session cannot be used here", ErrSuperseded)
	case (!exists || s.renew) && (s.sent || s.request.Context.Err() != nil):
		// The client would never learn the token. Under the old one a log-in
		// would belong to anyone who knows it.
		s.tooLate(ctx)
		return false, ErrLate
	case !exists:
		return s.create(ctx, now, d)
	case !s.latest.alive(now):
		return true, nil // other requests may have kept it alive
	}
	return s.replace(ctx, now, d)
}

// create stores a new session under a fresh token.
func (s *Session) create(ctx context.Context, now time.Time, d draft) (conflict bool, err error) {
	e := s.engine
	var next stored
	next.header = envelope.Header{Created: now}
	e.begin(&next.header, now)
	if s.remembering {
		s.remember.apply(&next.header, e, now)
	}
	next.expires = expiry(&next.header, now)
	s.prepareOffer(&next.header, d.owner)
	if s.imported != nil {
		return s.createImported(ctx, next, now, d)
	}
	const tries = 3 // an ID that is taken means a broken store or random generator
	for try := 1; ; try++ {
		tok := token.New()
		next.key, next.header.Secret = token.ID(tok), token.HashOf(tok)
		began := e.began()
		err := e.put(ctx, &next, d)
		if errors.Is(err, store.ErrConflict) && s.sentTwice(&next, d) {
			err = nil
		}
		if err == nil {
			s.saved(ctx, now, next, tok, Created, e.since(began))
			return false, nil
		}
		if !errors.Is(err, store.ErrConflict) || try == tries {
			return false, e.refused(ctx, next.key, began, err)
		}
	}
}

// sentTwice reports whether a creating save met a conflict with itself.
func (s *Session) sentTwice(next *stored, d draft) bool {
	ctx, cancel := s.detach()
	defer cancel()
	landed, _ := s.landed(ctx, next, d)
	return landed
}

// replace stores a new version of a session, under a fresh secret if one is
// due.
func (s *Session) replace(ctx context.Context, now time.Time, d draft) (conflict bool, err error) {
	e, began := s.engine, s.engine.began()
	next, tok, kind := s.latest, s.token, Saved
	h := &next.header
	switch {
	case s.renew:
		tok, kind, d.durable = token.Renew(next.key), Renewed, true
		if !s.fresh {
			h.Previous = h.Secret
		}
		h.Secret = token.HashOf(tok)
		e.streams.renewing(s.streams, h.Secret)
		e.begin(h, now)
	case d.touch && !s.remembering && !s.bind:
		kind = Touched
	}
	if s.remembering {
		s.remember.apply(h, e, now)
	}
	if s.passive && !s.renew && !s.remembering {
		e.keepExpiry(ctx, &s.latest)
	}
	next.expires = expiry(h, now)
	if moved := next.expires.Sub(s.latest.expires); !s.renew && !s.remembering && (s.passive || moved < 0 || h.Remembered && moved < h.Idle/10) {
		next.expires = s.latest.expires // the clock was set back, or the cookie need not move yet
	}
	s.prepareOffer(h, d.owner)
	err = e.put(ctx, &next, d)
	if s.renew && err != nil && !errors.As(err, new(invalid)) {
		err = s.outcome(err, &next, tok, d)
	}
	switch {
	case errors.Is(err, store.ErrConflict):
		return true, nil
	case err != nil:
		return false, e.refused(ctx, next.key, began, err)
	}
	s.saved(ctx, now, next, tok, kind, e.since(began))
	return false, nil
}

// saved notes that next is what the store has now, and what the client must
// be told of it.
func (s *Session) saved(ctx context.Context, now time.Time, next stored, tok string, kind Kind, took time.Duration) {
	renewed := s.renew
	fresh := kind == Created || kind == Renewed
	moved := next.header.Remembered && !next.expires.Equal(s.latest.expires)
	loggedIn := fresh || next.owner != s.latest.owner
	ages := s.engine.Carrier.Ages() && (s.remembering || moved)
	if fresh || ages || s.imported != nil {
		s.tell(&next)
		if s.sent && s.remembering {
			s.tooLate(ctx) // for the cookie's new age; the session is saved
		}
	}
	s.offerDevice(&next)
	s.latest, s.token = next, tok
	s.latest.rest(now)
	s.renew, s.remembering, s.bind, s.held, s.tried, s.imported = false, false, false, false, attempt{}, nil
	s.fresh = s.fresh || fresh
	e := s.engine
	e.emit(ctx, Event{Kind: kind, Key: next.key, Owner: next.owner, Duration: took})
	e.sweepSometimes(ctx)
	if renewed {
		e.streams.judge(next.key, next.header.Secret, next.info().Expires, time.Now())
		s.deleteOthers()
	}
	if loggedIn {
		s.keepNewest()
	}
}

// keepNewest holds the limit of sessions for the owner who has logged in.
func (s *Session) keepNewest() {
	ctx, cancel := s.detach()
	defer cancel()
	s.engine.keepNewest(ctx, s.latest.owner)
}

// tell has the client told of the token, and how long to keep it.
func (s *Session) tell(next *stored) {
	s.cookie, s.life = SetToken, 0
	if next.header.Remembered {
		s.life = time.Until(next.info().Expires)
	}
}

// outcome finds out what became of a renewing save that failed or met a
// conflict. It returns nil if the save is in the store all the same: the reply
// was lost, or it was sent twice.
func (s *Session) outcome(failure error, next *stored, tok string, d draft) error {
	ctx, cancel := s.detach() // the save's own time may be up
	defer cancel()
	landed, known := s.landed(ctx, next, d)
	if !landed && known && !errors.Is(failure, store.ErrConflict) {
		switch err := s.fence(ctx); {
		case errors.Is(err, store.ErrConflict):
			landed, known = s.landed(ctx, next, d)
		case err != nil:
			known = false
		}
	}
	if landed {
		return nil
	}
	if !known {
		s.tried = attempt{tok, d.clone(), d.whole}
	}
	return failure
}

// landed reports whether a save is in the store, and whether that is known.
// Only the secret made for this very save can tell.
func (s *Session) landed(ctx context.Context, next *stored, d draft) (landed, known bool) {
	e := s.engine
	r, err := e.loadPatiently(ctx, next.key)
	if err != nil {
		return false, fromError(err) != nil
	}
	var found stored
	if e.open(next.key, r, &next.header.Secret, &found) != nil {
		return false, true
	}
	if s.behind = !bytes.Equal(found.payload, d.payload); !s.behind { // else UpdateByID was faster still
		payload := found.payload
		found.snapshot = d.snapshot
		found.payload = payload
	}
	*next = found
	return true, true
}

// fence makes sure that a renewing save that failed does not reach the store
// later: it saves the record as it is once more, so that the late one meets a
// conflict. It returns a conflict if that was faster.
func (s *Session) fence(ctx context.Context) error {
	r, err := s.engine.Store.Load(ctx, s.latest.key)
	switch {
	case err != nil:
		return err
	case r.Version != s.latest.version:
		return store.ErrConflict
	}
	_, err = s.engine.Store.Save(ctx, s.latest.key, r)
	return err
}

// loadPatiently loads again and again, in growing intervals, until the store
// answers or ctx ends: it has just failed.
func (e *Engine) loadPatiently(ctx context.Context, k store.Key) (store.Record, error) {
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		r, err := e.Store.Load(ctx, k)
		if err == nil || fromError(err) != nil {
			return r, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return store.Record{}, err
		}
	}
}

// tooLate reports, once, what can no longer reach the client.
func (s *Session) tooLate(ctx context.Context) {
	if !s.late {
		s.late = true
		s.engine.emit(ctx, Event{Kind: Late, Key: s.latest.key, Owner: s.latest.owner, Err: ErrLate})
	}
}

// put checks what the store must not be given, completes the draft with next's
// header in a fresh slice, and saves it.
func (e *Engine) put(ctx context.Context, next *stored, d draft) error {
	switch {
	case len(d.payload) > e.MaxSize:
		return invalid{fmt.Errorf("%w: %d bytes encoded, at most %d are allowed (see WithMaxSize)", ErrTooLarge, len(d.payload), e.MaxSize)}
	case len(d.owner) > store.MaxOwner:
		return invalid{fmt.Errorf("sesame: Owner returned %d bytes, at most %d are allowed; return a hash of so long a name", len(d.owner), store.MaxOwner)}
	}
	h := &next.header
	h.Codec, h.Schema = d.codec, d.schema
	var room [envelope.Len]byte
	data := bytes.Join([][]byte{h.Append(room[:0]), d.payload}, nil) // does not zero what it overwrites
	version, err := e.Store.Save(ctx, next.key, store.Record{
		Version: next.version, Expires: next.expires, Owner: d.owner, Data: data, Durable: d.durable,
	})
	if err != nil {
		return err
	}
	next.version, next.owner = version, d.owner
	next.snapshot = d.snapshot
	next.payload = data[h.Size():]
	return nil
}

// invalid marks an error that is the session's, not the store's.
type invalid struct{ error }

// refused reports why a session was not saved.
func (e *Engine) refused(ctx context.Context, k store.Key, began time.Time, err error) error {
	if bad, ok := errors.AsType[invalid](err); ok {
		return bad.error
	}
	return e.failed(ctx, "save", k, began, err)
}
