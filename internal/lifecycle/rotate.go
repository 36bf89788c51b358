package lifecycle

import (
	"bytes"
	"context"
	"errors"

	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/store"
)

// rotate moves the session to next.key: the old token is dead the moment the
// new one is good, and of several that try at once one wins.
func (s *Session) rotate(ctx context.Context, next *stored, data []byte) error {
	rec, err := s.record(next, data)
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context) (err error) {
		if r, ok := s.engine.Store.(store.Rotator); ok {
			next.version, err = r.Rotate(ctx, s.current.key, next.key, rec)
			return err
		}
		next.version, err = s.move(ctx, next, rec)
		return err
	})
}

// move rotates on a store that cannot, in three steps: the new record is
// created; the old one is replaced by a mark that makes it as good as gone; the
// mark is deleted. The second step, a compare-and-swap, is where the token
// changes hands: a deletion alone would let two renewals both succeed. Until
// the response is out nobody knows the new token, so the first record is no
// second session. What fails half-way is undone.
func (s *Session) move(ctx context.Context, next *stored, rec store.Record) (uint64, error) {
	st := s.engine.Store
	fresh := rec
	fresh.Version = 0
	version, err := st.Save(ctx, next.key, fresh)
	if errors.Is(err, store.ErrConflict) {
		return 0, err // the key is another's
	}
	if err != nil {
		return 0, errors.Join(err, s.discard(ctx, next.key))
	}
	mark := make([]byte, envelope.Len)
	header := next.header // its binding tells our mark from another's
	header.Moved = true
	envelope.Put(mark, header)
	_, err = st.Save(ctx, s.current.key, store.Record{Version: s.current.version, Expires: s.current.expires, Data: mark})
	if errors.Is(err, store.ErrConflict) {
		return 0, errors.Join(err, s.discard(ctx, next.key))
	}
	if err == nil {
		err = st.Delete(ctx, s.current.key)
	}
	if err != nil {
		return s.moveBack(ctx, next, mark, version, err)
	}
	return version, nil
}

// moveBack finds out how far a move came that a failing store interrupted, and
// undoes it if that is not all the way.
func (s *Session) moveBack(ctx context.Context, next *stored, mark []byte, version uint64, cause error) (uint64, error) {
	ctx, cancel := s.engine.detach(ctx) // the failure may have been that ctx ran out
	defer cancel()
	rec, err := s.engine.Store.Load(ctx, s.current.key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return version, nil // the answer was lost, not the deletion
	case err == nil && bytes.Equal(rec.Data, mark):
		err = s.restore(ctx, rec.Version)
	}
	return 0, errors.Join(cause, err, s.discard(ctx, next.key))
}

// restore puts the session back where our mark is.
func (s *Session) restore(ctx context.Context, mark uint64) error {
	data := append(make([]byte, envelope.Len), s.current.payload...)
	envelope.Put(data, s.current.header)
	owner, err := s.ownerOfStored()
	if err != nil {
		return err
	}
	version, err := s.engine.Store.Save(ctx, s.current.key, store.Record{Version: mark, Expires: s.current.expires, Owner: owner, Data: data})
	if err == nil {
		s.current.version = version
	}
	return err
}

// discard deletes the new record of a move that came to nothing.
func (s *Session) discard(ctx context.Context, k store.Key) error {
	ctx, cancel := s.engine.detach(ctx)
	defer cancel()
	return s.engine.Store.Delete(ctx, k)
}

// ownerOfStored is whose session it is in the store, which may differ from
// whose the handler has made it.
func (s *Session) ownerOfStored() (string, error) {
	value, err := s.engine.decode(&s.current)
	if err != nil {
		return "", err
	}
	return ownerOf(value)
}
