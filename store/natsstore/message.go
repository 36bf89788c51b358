package natsstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// last returns the last message of a subject, nil if there is none. The leader
// of the stream answers, so it is the last one that was acknowledged to
// anybody.
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
			// Refused for now, without effect. What is on its way may come to
			// nothing, so this is no conflict yet.
			if err := pause(ctx); err != nil {
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
	ack, err := s.js.PublishMsg(ctx, m, append(opts, jetstream.WithExpectStream(s.name))...)
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// attempts bounds how often an operation begins anew because others were
// faster.
const attempts = 1000

// pause lets others come to an end.
func pause(ctx context.Context) error {
	t := time.NewTimer(time.Millisecond + rand.N(4*time.Millisecond))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// failed returns the error of an operation, err unless the context is the
// cause.
func (s *Store) failed(ctx context.Context, what string, err error) error {
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("natsstore: %s: %w", what, cause)
	}
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, jetstream.ErrNoStreamResponse):
		return fmt.Errorf("natsstore: %s: the bucket %s does not answer: %w; it has no leader at the moment, "+
			"or was removed, and then natsstore.Open makes it anew", what, s.bucket, err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		return fmt.Errorf("natsstore: %s: no answer from the server in time: %w", what, err)
	}
	return fmt.Errorf("natsstore: %s: %w", what, err)
}
