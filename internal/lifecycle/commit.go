package lifecycle

import (
	"context"
	"errors"
	"time"
)

// Commit brings the store in line with *T on behalf of the handler, and notes
// what the client must be told. That a plain change came to nothing, because
// the session ended or was renewed during the request, is an event and no error;
// nor is a touch that failed. The client's hanging up does not stop it.
//
// A framework may answer after its middleware has returned: if the response had
// not begun by then, a cookie still goes out.
func (s *Session) Commit() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return nil
	}
	if s.over && !s.begun {
		s.sent = false
	}
	ctx, cancel := s.detach()
	defer cancel()
	err := s.commit(ctx)
	if err == nil || errors.As(err, new(touchError)) || errors.Is(err, ErrNotFound) && !s.renew {
		return nil
	}
	return err
}

// Save is Commit for a handler that wants to know, within its context.
func (s *Session) Save(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return nil
	}
	ctx, cancel := s.engine.limit(ctx)
	defer cancel()
	return s.commit(ctx)
}

// commit compares *T with what it was, and tries to save it until no other
// request comes in between.
func (s *Session) commit(ctx context.Context) error {
	if err := s.deleteDestroyed(ctx); err != nil {
		return err
	}
	if err := s.resolve(ctx); err != nil {
		return err
	}
	reading := false // what met the conflict was a touch
	for attempt := 0; ; attempt++ {
		if attempt == 1 {
			defer s.engine.takeTurn(ctx, s.latest.key)()
		}
		if err := s.retry(ctx, attempt); err != nil {
			if reading && !errors.Is(err, ErrNotFound) {
				return asTouch(err)
			}
			return err
		}
		if err := s.catchUp(ctx); err != nil {
			return err
		}
		var conflict bool
		var err error
		conflict, reading, err = s.tryCommit(ctx)
		if !conflict {
			return err
		}
	}
}

// tryCommit commits *T once. It reports a conflict if another request was
// faster.
func (s *Session) tryCommit(ctx context.Context) (conflict, reading bool, err error) {
	e := s.engine
	scratch := e.scratch.Get().(*[]byte)
	defer e.scratch.Put(scratch)
	changed, err := e.changed(&s.base, s.value, scratch)
	switch {
	case err != nil:
		return false, false, err
	case !changed && !s.latest.exists() && s.imported == nil:
		return false, false, nil
	case !changed && !s.renew && !s.remembering && !s.bind && s.imported == nil:
		if s.passive || time.Until(s.latest.quiet) > 0 {
			return false, false, nil
		}
		conflict, err = s.touch(ctx)
		return conflict, true, err
	}
	d := draft{snapshot: s.latest.snapshot, whole: true, owner: ownerToStore(&s.latest, s.said, s.value), touch: !changed}
	if changed {
		d.snapshot = e.changedTo(ctx, &s.latest, *scratch, d.owner)
	}
	conflict, err = s.swap(ctx, d)
	if conflict || err != nil {
		return conflict, false, err
	}
	s.said = said(s.value)
	switch {
	case !changed:
	case s.behind:
		s.base = d.clone()
	default:
		s.base = s.latest.snapshot
	}
	return false, false, nil
}

// touch moves the expiry of a session that was only read. If a cookie has to
// move with it that takes a compare-and-swap: a cookie whose token was replaced
// by another request must not be set again.
func (s *Session) touch(ctx context.Context) (conflict bool, err error) {
	now := time.Now().Truncate(time.Millisecond)
	h := &s.latest.header
	switch {
	case !s.latest.alive(now):
		return true, nil // other requests may have kept it alive
	case h.Idle == 0 || expiry(h, now).Sub(s.latest.expires) < h.Idle/10:
		return false, nil
	case h.Remembered && s.engine.Carrier.Ages():
		conflict, err = s.swap(ctx, draft{snapshot: s.latest.snapshot, whole: true, owner: s.latest.owner, touch: true})
		return conflict, asTouch(err)
	}
	e, began, expires := s.engine, s.engine.began(), expiry(h, now)
	if err := e.Store.Touch(ctx, s.latest.key, expires); err != nil {
		return false, asTouch(e.failed(ctx, "touch", s.latest.key, began, err))
	}
	e.sweepSometimes(ctx)
	s.latest.expires = expires
	s.latest.rest(now)
	e.emit(ctx, Event{Kind: Touched, Key: s.latest.key, Owner: s.latest.owner, Duration: e.since(began)})
	return false, nil
}

// touchError is the failure of a touch. The session is as good as before.
type touchError struct{ error }

func (t touchError) Unwrap() error { return t.error }

func asTouch(err error) error {
	if err == nil {
		return nil
	}
	return touchError{err}
}

// deleteDestroyed deletes what Destroy has ended.
func (s *Session) deleteDestroyed(ctx context.Context) error {
	var unforgotten error
	if s.forgetting != nil { // first, so that no request imports it once more
		if unforgotten = s.forget(s.forgetting); unforgotten == nil {
			s.forgetting = nil
		}
	}
	for ; len(s.doomed) > 0; s.doomed = s.doomed[1:] {
		if err := s.engine.end(ctx, s.doomed[0], Destroyed, ""); err != nil {
			return err
		}
	}
	if unforgotten != nil {
		return unforgotten
	}
	if s.deleting {
		s.deleting = false
		s.cookie, s.life = DeleteToken, 0
	}
	return nil
}

// deleteOthers ends the other sessions that the request's cookies name, after
// a log-in: a browser may be unable to drop their cookies. The log-in stands
// even if this fails.
func (s *Session) deleteOthers() {
	if len(s.others) == 0 {
		return
	}
	ctx, cancel := s.detach()
	defer cancel()
	for _, k := range s.others {
		if k != s.latest.key {
			_ = s.engine.end(ctx, k, Destroyed, "") // the event tells
		}
	}
	s.others = nil
}

// Drop gives up what was not saved, except that destroyed sessions are
// deleted: the request has failed.
func (s *Session) Drop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return nil
	}
	ctx, cancel := s.detach()
	defer cancel()
	err := s.deleteDestroyed(ctx)
	if s.dropped {
		return err
	}
	scratch := s.engine.scratch.Get().(*[]byte)
	defer s.engine.scratch.Put(scratch)
	changed, failed := s.engine.changed(&s.base, s.value, scratch)
	if changed || failed != nil || s.renew || s.remembering {
		s.dropped = true
		s.engine.emit(&s.request, Event{Kind: Dropped, Key: s.latest.key, Owner: s.latest.owner})
	}
	s.renew, s.remembering, s.bind = false, false, false
	return err
}

// ended returns why a session that is gone cannot be saved. A log-in must not
// seem to have worked.
func (s *Session) ended() error {
	if s.renew {
		return ErrSuperseded
	}
	return ErrNotFound
}
