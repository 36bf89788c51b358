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
	if err != nil {
		return 0, err
	}
	mark := make([]byte, envelope.Len)
	header := next.header // its binding tells our mark from another's
	header.Moved = true
	envelope.Put(mark, header)
	_, err = st.Save(ctx, s.current.key, store.Record{Version: s.current.version, Expires: s.current.expires, Data: mark})
	if err == nil {
		err = st.Delete(ctx, s.current.key)
	}
	if err != nil {
		return 0, errors.Join(err, s.moveBack(ctx, next, mark))
	}
	return version, nil
}

// moveBack undoes a move that failed: it deletes the new record and puts the
// old one back where our mark is.
func (s *Session) moveBack(ctx context.Context, next *stored, mark []byte) error {
	ctx, cancel := s.engine.detach(ctx) // the failure may have been that ctx ran out
	defer cancel()
	st, old := s.engine.Store, s.current
	if err := st.Delete(ctx, next.key); err != nil {
		return err
	}
	rec, err := st.Load(ctx, old.key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil || !bytes.Equal(rec.Data, mark) {
		return err
	}
	data := append(make([]byte, envelope.Len), old.payload...)
	envelope.Put(data, old.header)
	owner, err := s.ownerOfStored()
	if err != nil {
		return err
	}
	version, err := st.Save(ctx, old.key, store.Record{Version: rec.Version, Expires: old.expires, Owner: owner, Data: data})
	if err == nil {
		s.current.version = version
	}
	return err
}

// ownerOfStored is whose session it is in the store, which may differ from
// whose the handler has made it.
func (s *Session) ownerOfStored() (string, error) {
	value, err := s.engine.decode(s.current)
	if err != nil {
		return "", err
	}
	return ownerOf(value)
}
