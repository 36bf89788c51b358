package lifecycle

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/sesame-go/sesame/internal/merge"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
)

// retry prepares an attempt to save. Each but the first has lost against another
// request, and first loads what that has stored.
func (s *Session) retry(ctx context.Context, attempt int) error {
	if attempt > 0 && (s.latest.exists() || s.imported != nil) {
		if err := pause(ctx, attempt); err != nil {
			return err
		}
		if err := s.reload(ctx); err != nil {
			return err
		}
	}
	if s.gone {
		return s.ended()
	}
	return nil
}

// resolve finds out what became of an earlier renewal whose outcome is unknown.
func (s *Session) resolve(ctx context.Context) error {
	if s.tried.token == "" || s.gone {
		return nil
	}
	ctx, cancel := s.engine.limit(ctx)
	defer cancel()
	return s.reload(ctx)
}

// reload loads what another request has stored. If the secret has been replaced, it
// does not look at the rest of the record, which this request's token does not admit
// to.
func (s *Session) reload(ctx context.Context) error {
	e, began := s.engine, s.engine.began()
	r, err := e.Store.Load(ctx, s.latest.key)
	var why *verdict
	var found stored
	if err == nil {
		why = e.open(s.latest.key, r, &s.latest.header.Secret, &found)
	} else if why = fromError(err); why == nil {
		return e.failed(ctx, "load", s.latest.key, began, err)
	}
	renewed := false
	if why != nil && err == nil && s.tried.token != "" {
		why = s.renewedBefore(r, &found)
		renewed = why == nil
	}
	if why != nil {
		return s.lose(ctx, why, e.since(began))
	}
	s.tried = attempt{}
	found.rest(time.Now())
	s.latest, s.behind = found, true
	if renewed {
		e.emit(ctx, Event{Kind: Renewed, Key: found.key, Owner: found.owner, Duration: e.since(began)})
		e.streams.judge(found.key, found.header.Secret, found.info().Expires, time.Now())
		s.deleteOthers()
		s.keepNewest()
	}
	return nil
}

// renewedBefore returns nil if the record has the secret of an earlier renewal
// by this request that seemed to have failed.
func (s *Session) renewedBefore(r store.Record, found *stored) *verdict {
	proof := token.HashOf(s.tried.token)
	if why := s.engine.open(s.latest.key, r, &proof, found); why != nil {
		return why
	}
	s.offerDevice(found)
	s.token, s.renew, s.fresh = s.tried.token, false, true
	s.tell(found)
	if s.tried.whole {
		s.base = s.tried.snapshot
	}
	return nil
}

// lose gives up a session that ended, or was renewed, during the request. Its changes
// are dropped: they must neither revive the session nor be stored in another one.
func (s *Session) lose(ctx context.Context, why *verdict, took time.Duration) error {
	s.gone, s.offer = true, ""
	if s.cookie == SetToken {
		s.cookie = KeepToken // an earlier save has set it, for a token that is dead now
	}
	kind := Gone
	switch {
	case why.kind == Corrupt || why.kind == Newer:
		s.engine.emit(ctx, Event{Kind: why.kind, Key: s.latest.key, Owner: s.latest.owner, Err: why.err})
	case why.kind == Expired || !s.latest.alive(time.Now()):
		kind = Expired
	}
	s.engine.emit(ctx, Event{Kind: kind, Key: s.latest.key, Owner: s.latest.owner, Duration: took})
	return s.ended()
}

// latestValue decodes the latest version.
func (s *Session) latestValue(ctx context.Context) (any, error) {
	value, err := s.engine.decode(&s.latest.snapshot)
	if err != nil {
		return nil, s.lose(ctx, &verdict{kind: Corrupt, err: err}, 0)
	}
	return value, nil
}

// catchUp merges into *T what Update, or another request, has stored since *T
// last equalled the store.
func (s *Session) catchUp(ctx context.Context) error {
	if !s.behind {
		return nil
	}
	if s.gone {
		return s.ended()
	}
	e := s.engine
	theirs, err := s.latestValue(ctx)
	if err != nil {
		return err
	}
	base, err := e.decode(&s.base)
	if err != nil {
		return err
	}
	// The merge compares values as they are decoded from the store: without
	// unexported fields, and as the codec normalises them.
	mine, err := e.normal(s.value)
	if err != nil {
		return err
	}
	base, theirs = e.translated(base, s.base.codec), e.translated(theirs, s.latest.codec)
	s.said = said(theirs)
	for _, field := range merge.Into(s.value, base, mine, theirs) {
		e.emit(ctx, Event{Kind: Conflict, Key: s.latest.key, Owner: s.latest.owner, Field: field})
	}
	s.base, s.behind = s.latest.snapshot, false
	return nil
}

// normal returns value as it would be decoded from the store.
func (e *Engine) normal(value any) (any, error) {
	scratch := e.scratch.Get().(*[]byte)
	defer e.scratch.Put(scratch)
	if err := e.encode(scratch, value, nil); err != nil {
		return nil, err
	}
	fresh := reflect.New(e.Type).Interface()
	if err := e.Codec.Decode(*scratch, fresh); err != nil {
		return nil, fmt.Errorf("sesame: decode session: %w", err)
	}
	return fresh, nil
}

// translated converts a value that another codec has decoded to what this engine's
// codec would decode: values in interfaces may have another type.
func (e *Engine) translated(value any, from byte) any {
	if from != e.Codec.ID() {
		if fresh, err := e.normal(value); err == nil {
			return fresh
		}
	}
	return value
}
