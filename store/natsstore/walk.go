package natsstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/sesame-go/sesame/store"
)

// rounds is how often All goes on to sessions that were saved during the walk.
const rounds = 3

// All implements [store.Lister], in one round trip for each session. It walks
// in the order in which the sessions were last saved. One that is saved during
// the walk moves to the end, where it is yielded again; one that is saved all
// the time may be missed. Messages that are no sessions are left out, and
// [store.ErrCorrupt] is yielded last if there were any.
func (s *Store) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		damaged := 0
		next := uint64(1)
		for range rounds {
			info, err := s.info(ctx)
			if err != nil {
				yield(store.Entry{}, s.failed(ctx, "list", err))
				return
			}
			end := info.State.LastSeq
			if next > end {
				break
			}
			for next <= end {
				e, seq, err := s.entryFrom(ctx, next)
				next = seq + 1
				switch {
				case errors.Is(err, jetstream.ErrMsgNotFound):
					next = end + 1
				case errors.Is(err, errNoSession):
				case errors.Is(err, store.ErrCorrupt):
					damaged++
				case err != nil:
					yield(store.Entry{}, s.failed(ctx, "list", err))
					return
				case !yield(e, nil):
					return
				}
			}
		}
		if damaged > 0 {
			yield(store.Entry{}, fmt.Errorf("natsstore: list: %d messages: %w", damaged, store.ErrCorrupt))
		}
	}
}

// errNoSession says that a message is not, or no more, a session.
var errNoSession = errors.New("no session")

// entryFrom returns the first session from a sequence on, and its sequence.
func (s *Store) entryFrom(ctx context.Context, from uint64) (e store.Entry, seq uint64, err error) {
	if err := ctx.Err(); err != nil {
		return e, 0, err
	}
	m, err := s.stream.GetMsg(ctx, from, jetstream.WithGetMsgSubject(s.prefix()+sessionKeys+"*"))
	if err != nil {
		return e, 0, err
	}
	st, err := read(m, s.now())
	if err != nil {
		return e, st.seq, err
	}
	if !st.live {
		return e, st.seq, errNoSession
	}
	e.Record = st.record
	e.Key, err = store.ParseKey(strings.TrimPrefix(m.Subject, s.prefix()+sessionKeys))
	if err != nil {
		return e, st.seq, store.ErrCorrupt
	}
	return e, st.seq, nil
}
