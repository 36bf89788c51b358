package lifecycle

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
)

// stream is one context that ends with its session.
type stream struct {
	secret token.Hash // that admitted its request
	own    token.Hash // that its own request is storing in its place
	known  time.Time  // when secret was last known to be good
	owner  string
	until  time.Time // when the session ends if it is not used
	live   context.Context
	end    context.CancelCauseFunc
}

// streams are those of an engine.
type streams struct {
	mu      sync.Mutex
	byKey   map[store.Key][]*stream
	hints   map[store.Key]bool // to look at: true if at once, false in turn
	wake    chan struct{}      // there are some, or no streams
	running bool
}

// Live returns a copy of ctx that ends with the session: with its record, or
// when its secret is replaced by another request than this one. Its cause is
// then ErrNotFound. Without a stored session it is ctx.
func (s *Session) Live(ctx context.Context) (context.Context, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.use(ctx); err != nil || !s.latest.exists() {
		return ctx, err
	}
	live, end := context.WithCancelCause(lasting{ctx, s})
	st := &stream{
		secret: s.latest.header.Secret, known: time.Now(),
		owner: s.latest.owner, until: s.latest.info().Expires, live: live, end: end,
	}
	if s.gone {
		end(ErrNotFound)
		return live, nil
	}
	e, key := s.engine, s.latest.key
	s.streams = append(slices.DeleteFunc(s.streams, func(st *stream) bool { return st.live.Err() != nil }), st)
	e.streams.add(e, key, st)
	context.AfterFunc(live, func() { e.streams.remove(key, st) })
	return live, nil
}

// lasting keeps the session of a stream: the context of some frameworks has that of
// another request once the handler has returned.
type lasting struct {
	context.Context
	session *Session
}

func (l lasting) Value(key any) any {
	if v := l.session.Value(key); v != nil {
		return v
	}
	return l.Context.Value(key)
}

func (l *streams) add(e *Engine, k store.Key, st *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byKey == nil {
		l.byKey, l.hints, l.wake = make(map[store.Key][]*stream), make(map[store.Key]bool), make(chan struct{}, 1)
	}
	l.byKey[k] = append(l.byKey[k], st)
	if !l.hints[k] {
		l.hints[k] = false // it may have ended since it was loaded
		l.signal()
	}
	if !l.running {
		l.running = true
		go e.followStreams()
	}
}

func (l *streams) remove(k store.Key, st *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.byKey[k]
	for i, other := range list {
		if other == st {
			list = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if l.byKey[k] = list; len(list) > 0 {
		return
	}
	if delete(l.byKey, k); len(l.byKey) == 0 {
		l.signal() // the goroutine may end
	}
}

// hint has the session under k looked at soon, if it has a stream. The lock is
// held.
func (l *streams) hint(k store.Key) {
	if len(l.byKey[k]) > 0 {
		l.hints[k] = true
		l.signal()
	}
}

func (l *streams) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// told is what a Watcher calls.
func (l *streams) told(k store.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hint(k)
}

// owned has an owner's sessions looked at soon.
func (l *streams) owned(owner string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, list := range l.byKey {
		for _, st := range list {
			if st.owner == owner {
				l.hint(k)
			}
		}
	}
}

// judge ends the streams under k that have another secret than the store has
// now; without a secret it ends all. AsOf is when the store was asked: streams
// about which more is known since are left alone.
func (l *streams) judge(k store.Key, secret token.Hash, until, asOf time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, st := range l.byKey[k] {
		switch {
		case st.known.After(asOf):
		case secret == (token.Hash{}) || !st.secret.Equal(secret) && !st.own.Equal(secret):
			st.end(ErrNotFound)
		default:
			st.secret, st.until, st.known = secret, until, asOf
		}
	}
}

// renewing tells the streams of a request that it is about to replace the
// secret itself.
func (l *streams) renewing(own []*stream, secret token.Hash) {
	if len(own) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, st := range own {
		st.own = secret
	}
}

// takeHints returns the sessions to look at now, and those to look at in turn.
// Done says that there are no streams, and that the goroutine has to end.
func (l *streams) takeHints() (now, inTurn []store.Key, done bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.byKey) == 0 {
		l.running = false
		clear(l.hints)
		return nil, nil, true
	}
	for k, atOnce := range l.hints {
		if atOnce {
			now = append(now, k)
		} else {
			inTurn = append(inTurn, k)
		}
	}
	clear(l.hints)
	return now, inTurn, false
}

// sessions returns those that have streams: all, or those that should have
// expired.
func (l *streams) sessions(over bool) (keys []store.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for k, list := range l.byKey {
		if !over || !now.Before(list[0].until) {
			keys = append(keys, k)
		}
	}
	return keys
}

// open reports whether a session has streams.
func (l *streams) open(k store.Key) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.byKey[k]) > 0
}

// len returns how many sessions have streams.
func (l *streams) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.byKey)
}
