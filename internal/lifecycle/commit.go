package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
)

// Commit settles the session: it brings the store in line with the value and
// notes what the client must be told. A session that was ended by somebody else
// meanwhile stays ended; that is an event, not an error.
func (s *Session) Commit(ctx context.Context) error {
	if err := s.Save(ctx); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// Save is Commit for those who want to know: it returns [ErrNotFound] if the
// session was ended by somebody else.
func (s *Session) Save(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.loaded {
		return nil
	}
	return s.settle(ctx, nil)
}

// Update applies fn to the session's latest value and saves it, again and
// again until nobody interferes. On an error the value is as it was before.
func (s *Session) Update(ctx context.Context, fn func(any) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return err
	}
	return s.settle(ctx, fn)
}

// maxAttempts bounds the retries of one commit. Of any number of commits at
// once one always succeeds, so that many in a row lose only on a session that
// is hit by more requests than it can ever serve.
const maxAttempts = 100

func (s *Session) settle(ctx context.Context, fn func(any) error) error {
	if err := s.bury(ctx); err != nil {
		return err
	}
	if s.gone {
		return ErrNotFound
	}
	conflict, err := s.attempt(ctx, fn)
	if conflict {
		return s.retry(ctx, fn)
	}
	return err
}

// retry commits what somebody else was faster with.
func (s *Session) retry(ctx context.Context, fn func(any) error) error {
	defer s.engine.turn(s.current.key)()
	for attempt := range maxAttempts - 1 {
		pause(attempt)
		if err := s.reconcile(ctx); err != nil {
			return err
		}
		if conflict, err := s.attempt(ctx, fn); !conflict {
			return err
		}
	}
	return ErrConflict
}

// bury deletes what was destroyed.
func (s *Session) bury(ctx context.Context) error {
	for len(s.doomed) > 0 {
		k, began := s.doomed[0], s.engine.began()
		err := s.write(ctx, func(ctx context.Context) error { return s.engine.Store.Delete(ctx, k) })
		if err != nil {
			return s.engine.failed(ctx, "delete", k, began, err)
		}
		s.doomed = s.doomed[1:]
		s.cookie, s.life = DeleteCookie, 0
		s.engine.emit(ctx, Event{Kind: Destroyed, Key: k, Duration: s.engine.since(began)})
	}
	return nil
}

// attempt commits once. It reports a conflict if somebody else was faster.
func (s *Session) attempt(ctx context.Context, fn func(any) error) (conflict bool, err error) {
	if fn == nil {
		return s.put(ctx)
	}
	undo, err := s.checkpoint()
	if err != nil {
		return false, err
	}
	stored := false
	defer func() { // also when fn panics
		if !stored {
			undo()
		}
	}()
	if err := fn(s.value); err != nil {
		return false, err
	}
	conflict, err = s.put(ctx)
	stored = !conflict && err == nil
	return conflict, err
}

// put brings the store in line with the value as it is now.
func (s *Session) put(ctx context.Context) (conflict bool, err error) {
	data, changed, err := s.encodeCurrent()
	if err != nil {
		return false, err
	}
	due := changed || s.renew || s.remembering || time.Until(s.current.quiet) <= 0
	if !due || !changed && !s.current.exists() {
		return false, nil
	}
	now := time.Now().Truncate(time.Millisecond)
	switch {
	case !s.current.exists():
		return false, s.create(ctx, now, data)
	case !s.current.alive(now):
		return true, nil // reconcile sees whether others have kept it alive
	case s.renew && s.sent:
		// Saved under the old token the change would hand a log-in to whoever
		// planted that token, which is what Renew is there to prevent; under
		// the new one it would be out of the client's reach.
		s.tooLate(ctx)
		return false, ErrLate
	case !changed && !s.renew && !s.remembering:
		return false, s.touch(ctx, now)
	}
	by := s.engine.Codec.ID()
	if !changed {
		data = append(make([]byte, envelope.Len), s.current.payload...)
		by = s.current.header.Codec
	}
	return s.replace(ctx, now, data, by)
}

// create stores a new session under a fresh token.
func (s *Session) create(ctx context.Context, now time.Time, data []byte) error {
	if s.sent {
		s.tooLate(ctx)
		return ErrLate
	}
	e := s.engine
	next := stored{header: envelope.Header{Codec: e.Codec.ID()}}
	next.header = renewed(next.header, e, now)
	if s.remembering {
		next.header = remembered(next.header, e, now, s.remember)
	}
	next.expires = expiry(next.header, now)
	const tries = 3 // a token that is taken means a broken store or a broken random generator
	for try := 1; ; try++ {
		tok := token.New()
		next.key, next.header.Binding = token.Key(tok), token.Bind(tok)
		began := e.began()
		err := s.save(ctx, &next, data)
		if err == nil {
			s.token, s.current = tok, next
			s.current.rest(now)
			s.tellClient(now)
			e.emit(ctx, Event{Kind: Created, Key: next.key, Duration: e.since(began)})
			return nil
		}
		if !errors.Is(err, store.ErrConflict) || try == tries {
			return s.refused(ctx, next.key, began, err)
		}
	}
}

// replace stores a new version, encoded by the given codec, under a fresh token
// if one is due.
func (s *Session) replace(ctx context.Context, now time.Time, data []byte, by byte) (conflict bool, err error) {
	e, began := s.engine, s.engine.began()
	next, tok, kind := s.current, s.token, Saved
	next.header.Codec = by
	if s.renew {
		tok, kind = token.New(), Renewed
		next.key = token.Key(tok)
		next.header = renewed(next.header, e, now)
		next.header.Binding = token.Bind(tok)
	}
	if s.remembering {
		next.header = remembered(next.header, e, now, s.remember)
	}
	next.expires = expiry(next.header, now)
	if !s.renew && !s.remembering && next.expires.Before(s.current.expires) && !s.current.expires.After(next.header.Deadline) {
		next.expires = s.current.expires // the clock was set back
	}
	if s.renew {
		err = s.rotate(ctx, &next, data)
	} else {
		err = s.save(ctx, &next, data)
	}
	switch {
	case errors.Is(err, store.ErrConflict):
		return true, nil
	case err != nil:
		return false, s.refused(ctx, s.current.key, began, err)
	}
	moved := next.header.Remembered && !next.expires.Equal(s.current.expires)
	speak := s.renew || s.remembering || moved
	s.token, s.current = tok, next
	s.current.rest(now)
	if speak {
		s.tellClient(now)
	}
	e.emit(ctx, Event{Kind: kind, Key: next.key, Duration: e.since(began)})
	if speak && s.sent {
		s.tooLate(ctx) // only the cookie's new age: the session is saved
	}
	return false, nil
}

// save completes data with next's header, compares-and-swaps it into the store
// and completes next.
func (s *Session) save(ctx context.Context, next *stored, data []byte) error {
	rec, err := s.record(next, data)
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context) (err error) {
		next.version, err = s.engine.Store.Save(ctx, next.key, rec)
		return err
	})
}

// record checks what would not fit into the store, before anything is lost.
func (s *Session) record(next *stored, data []byte) (store.Record, error) {
	owner, err := ownerOf(s.value)
	if err != nil {
		return store.Record{}, invalid{err}
	}
	next.payload, next.exact = data[envelope.Len:], false
	if len(next.payload) > s.engine.MaxSize {
		return store.Record{}, invalid{fmt.Errorf("%w: %d bytes encoded, at most %d are allowed (see WithMaxSize)", ErrTooLarge, len(next.payload), s.engine.MaxSize)}
	}
	envelope.Put(data, next.header)
	return store.Record{Version: next.version, Expires: next.expires, Owner: owner, Data: data}, nil
}

// invalid marks an error that is the session's, not the store's.
type invalid struct{ error }

// refused reports why a session was not saved.
func (s *Session) refused(ctx context.Context, k store.Key, began time.Time, err error) error {
	if bad, ok := errors.AsType[invalid](err); ok {
		return bad.error
	}
	return s.engine.failed(ctx, "save", k, began, err)
}

// touch moves the expiry of a session that was only read.
func (s *Session) touch(ctx context.Context, now time.Time) error {
	idle := s.current.header.Idle
	expires := expiry(s.current.header, now)
	if idle == 0 || expires.Sub(s.current.expires) < idle/10 {
		return nil
	}
	began := s.engine.began()
	err := s.write(ctx, func(ctx context.Context) error { return s.engine.Store.Touch(ctx, s.current.key, expires) })
	if err != nil {
		return s.engine.failed(ctx, "touch", s.current.key, began, err)
	}
	s.current.expires = expires
	s.current.rest(now)
	if s.current.header.Remembered {
		s.tellClient(now)
	}
	s.engine.emit(ctx, Event{Kind: Touched, Key: s.current.key, Duration: s.engine.since(began)})
	return nil
}

// write runs one call that changes the store, out of the client's reach, and
// lets the sweeper ride along.
func (s *Session) write(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := s.engine.detach(ctx)
	defer cancel()
	err := call(ctx)
	if err == nil {
		s.engine.sweepSometimes(ctx)
	}
	return err
}

// tellClient notes that the response must carry the session's cookie, and
// that what was asked for is done.
func (s *Session) tellClient(now time.Time) {
	s.cookie, s.life = SetCookie, 0
	if s.current.header.Remembered {
		s.life = s.current.expires.Sub(now)
	}
	s.renew, s.remembering = false, false
}

// tooLate reports, once, what can no longer reach the client.
func (s *Session) tooLate(ctx context.Context) {
	if !s.late {
		s.late = true
		s.engine.emit(ctx, Event{Kind: Late, Key: s.current.key, Err: ErrLate})
	}
}

// lose gives up a session that ended while we held it. What was changed is
// dropped: a session that was logged out must not come back.
func (s *Session) lose(ctx context.Context, kind Kind, took time.Duration) {
	s.gone = true
	s.engine.emit(ctx, Event{Kind: kind, Key: s.current.key, Duration: took})
}
