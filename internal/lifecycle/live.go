package lifecycle

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
)

// Streams learn that their session has ended in one of three ways. What this
// engine does itself it tells them at once. What a store's Watcher tells is
// looked at when it comes. Without one, or while its connection is lost, the
// sessions are looked at in turn, each every livePoll, or less often if there
// are so many that this would be more than liveLoads a second. One goroutine does
// it for all streams of an engine, and ends with the last of them.
const (
	livePoll  = 2 * time.Second
	liveLoads = 500
	liveTick  = 20 * time.Millisecond
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
	wake    chan struct{}      // there are some
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
	live, end := context.WithCancelCause(ctx)
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

func (l *streams) add(e *Engine, k store.Key, st *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byKey == nil {
		l.byKey, l.hints, l.wake = make(map[store.Key][]*stream), make(map[store.Key]bool), make(chan struct{}, 1)
	}
	l.byKey[k] = append(l.byKey[k], st)
	if _, watched := store.Capability[store.Watcher](e.Store); watched && !l.hints[k] {
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

// followStreams looks at the sessions of streams until there are none.
func (e *Engine) followStreams() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	l := &e.streams
	watching, unwatch := e.watch(ctx)
	tried := time.Now()
	timer := time.NewTimer(livePoll)
	defer timer.Stop()
	var queue []store.Key // that are still to be looked at in this round
	for {
		var wait time.Duration
		select {
		case <-l.wake:
			now, inTurn, done := l.takeHints()
			if done {
				return
			}
			for _, k := range now {
				if !e.look(ctx, k) {
					inTurn = append(inTurn, k)
				}
			}
			if queue = append(queue, inTurn...); len(inTurn) > 0 {
				timer.Reset(liveTick)
			}
			continue
		case <-watching:
			unwatch()
			watching, queue = nil, nil
			timer.Reset(livePoll / 20) // it may end at once again
			continue
		case <-timer.C:
		}
		if watching == nil && time.Since(tried) >= livePoll {
			tried = time.Now()
			if watching, unwatch = e.watch(ctx); watching != nil {
				queue = l.due(true) // what was missed until now
			}
		}
		if len(queue) == 0 {
			queue = l.due(watching == nil)
		}
		queue, wait = e.lookAtSome(ctx, queue)
		timer.Reset(wait)
	}
}

// watch returns a channel that is closed when the store's Watcher ends, nil if
// it does not watch, and a function that ends it.
func (e *Engine) watch(ctx context.Context) (done <-chan struct{}, unwatch context.CancelFunc) {
	defer e.recovered(ctx, "the store's Watch")
	w, ok := store.Capability[store.Watcher](e.Store)
	if !ok {
		return nil, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	late := time.AfterFunc(e.Timeout, cancel)
	done, err := w.Watch(ctx, e.streams.told)
	if !late.Stop() || err != nil {
		cancel()
		return nil, nil
	}
	return done, cancel
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

// due returns the sessions to look at in a round: all, or those that should have
// expired.
func (l *streams) due(all bool) (keys []store.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for k, list := range l.byKey {
		if all || !now.Before(list[0].until) {
			keys = append(keys, k)
		}
	}
	return keys
}

// lookAtSome looks at the next sessions of a round, so that the round takes
// livePoll, and returns the others and how long to wait.
func (e *Engine) lookAtSome(ctx context.Context, queue []store.Key) (rest []store.Key, wait time.Duration) {
	if len(queue) == 0 {
		return nil, livePoll
	}
	e.streams.mu.Lock()
	all := len(e.streams.byKey)
	e.streams.mu.Unlock()
	period := max(livePoll, time.Duration(all)*time.Second/liveLoads)
	each := period / time.Duration(max(all, 1))
	n := min(max(1, int(liveTick/max(each, 1))), len(queue))
	began := time.Now()
	rest = slices.Clone(queue[n:])
	for _, k := range queue[:n] {
		if !e.look(ctx, k) {
			rest = append(rest, k)
		}
	}
	return rest, max(0, each*time.Duration(n)-time.Since(began))
}

// look finds out whether the session under k is still that of its streams, and
// reports whether the store has answered. If it fails, they go on.
func (e *Engine) look(ctx context.Context, k store.Key) (answered bool) {
	defer e.recovered(ctx, "the store's Load")
	limited, cancel := e.limit(ctx)
	defer cancel()
	asOf := time.Now()
	r, err := e.Store.Load(limited, k)
	if err != nil && fromError(err) == nil {
		return false
	}
	var st stored
	var secret token.Hash
	if err == nil {
		h, _, named, damaged := envelope.Open(r.Data)
		st = stored{key: k, expires: r.Expires, header: h}
		if named && (damaged != nil || st.alive(time.Now())) {
			secret = h.Secret
		}
	}
	e.streams.judge(k, secret, st.info().Expires, asOf)
	return true
}
