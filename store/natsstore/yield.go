package natsstore

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/sesame-go/sesame/store"
)

// Of clients that save one session all the time, compare-and-swap favours the
// one that is nearest to the server. A renewal, deletion or revocation that lost
// asks the stores on the bucket, its own included, to hold their saves of that
// session back for a moment. It asks by a message outside of the bucket, which
// may get lost; what is stored is decided by the compare-and-swap alone.

// holdTime is long enough for the round trips of another attempt.
const holdTime = 100 * time.Millisecond

// hold names the saves of a session that are held back: with durable, also
// those that are renewals themselves.
type hold struct {
	key     store.Key
	durable bool
}

func (c *config) holdSubject() string { return "sesame." + c.bucket + ".hold" }

// listen makes the store hold back saves when others ask for it, as long as the
// connection lives.
func (s *Store) listen() error {
	_, err := s.js.Conn().Subscribe(s.holdSubject(), func(m *nats.Msg) {
		var k store.Key
		if n := copy(k[:], m.Data); n == len(k) && len(m.Data) == n+1 {
			s.hold(k, m.Data[n] != 0)
		}
	})
	return err
}

// ask asks all stores to hold back saves of a session.
func (s *Store) ask(k store.Key, durable bool) {
	s.hold(k, durable)
	data := make([]byte, len(k)+1)
	copy(data, k[:])
	if durable {
		data[len(k)] = 1
	}
	_ = s.js.Conn().Publish(s.holdSubject(), data) // a hint
}

func (s *Store) hold(k store.Key, durable bool) {
	until := time.Now().Add(holdTime).UnixMilli()
	s.holds.add(hold{k, false}, until)
	if durable {
		s.holds.add(hold{k, true}, until)
	}
}

// yield waits if another store has asked for it.
func (s *Store) yield(ctx context.Context, k store.Key, durable bool) error {
	if wait := time.Until(time.UnixMilli(s.holds.get(hold{k, durable}))); wait > 0 {
		return sleep(ctx, wait)
	}
	return nil
}
