package natsstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// last returns the last message of a subject, nil if there is none. The leader
// of the stream answers, so it is the last one that was acknowledged.
func (s *Store) last(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m, err := s.stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	return m, err
}

// Codes of the server's errors that this package acts on.
const (
	wrongLast = 10071 // another message is the subject's last
	inFlight  = 10164 // another message is on its way into the subject; its fate is open
	notReady  = 10163 // the leader is new and cannot tell yet
	notStored = 10077 // the bucket is full, among others
)

// Errors of operations that lost against other writers.
var (
	// errStale says that a message was refused because the subject has another
	// one by now.
	errStale = errors.New("the key has changed")

	// errBusy ends an operation after many attempts.
	errBusy = errors.New("given up: others changed the key at each attempt")
)

// attempts bounds how often an operation is tried again after it has lost against
// another writer.
const attempts = 1000

// publish replaces the last message of m's subject, which must be the one with
// the sequence expect or, if that is 0, missing; else nothing happens and the
// error is errStale. It returns the sequence of m.
func (s *Store) publish(ctx context.Context, m *nats.Msg, ttl time.Duration, expect uint64) (uint64, error) {
	for range attempts {
		seq, err := s.send(ctx, m, jetstream.WithMsgTTL(ttl), jetstream.WithExpectLastSequencePerSubject(expect))
		var refusal *jetstream.APIError
		if !errors.As(err, &refusal) {
			return seq, err
		}
		switch refusal.ErrorCode {
		case wrongLast:
			return 0, errStale
		case inFlight, notReady:
			// Refused for now, without effect. The message that is under way may
			// yet fail, so this is no conflict.
			if err := sleep(ctx, time.Millisecond+rand.N(4*time.Millisecond)); err != nil {
				return 0, err
			}
		default:
			return 0, err
		}
	}
	return 0, errBusy
}

// send publishes m and waits until it is stored. No error but a refusal by the
// server tells whether it was.
func (s *Store) send(ctx context.Context, m *nats.Msg, opts ...jetstream.PublishOpt) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	ack, err := s.js.PublishMsg(ctx, m, append(opts, jetstream.WithExpectStream(s.streamName()))...)
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// each calls f with the numbers below n, as many as a page at a time.
func each(n int, f func(i int)) {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(n, page) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				f(int(i))
			}
		})
	}
	wg.Wait()
}

// failed returns the error of an operation: err, unless the context is the cause.
// If the bucket is gone it is made again, for the calls to come. This one is
// not repeated, since what it did before, such as an entry in the index, went
// with the bucket.
func (s *Store) failed(ctx context.Context, what string, err error) error {
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("natsstore: %s: %w", what, cause)
	}
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, jetstream.ErrBucketNotFound),
		errors.Is(err, jetstream.ErrNoStreamResponse):
		if _, again := s.obtain(ctx, s.js, s.layout); again != nil {
			return fmt.Errorf("natsstore: %s: the bucket %s does not answer: %w; opening it again: %w", what, s.bucket, err, again)
		}
		return fmt.Errorf("natsstore: %s: the bucket %s did not answer: %w; "+
			"it had no leader, or was gone and has been made again", what, s.bucket, err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return fmt.Errorf("natsstore: %s: no answer from the server in time: %w", what, err)
	}
	return fmt.Errorf("natsstore: %s: %w", what, err)
}
