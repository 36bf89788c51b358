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
	liveBatch = int(liveLoads * liveTick / time.Second) // looks at once
)

// followStreams looks at the sessions of streams until there are none.
func (e *Engine) followStreams() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	l := &e.streams
	var watching <-chan struct{} // closed when the watch ends; nil without one
	var unwatch context.CancelFunc
	watches := make(chan watch, 1)
	go func() { watches <- e.watch(ctx) }()
	trying := true
	waiting := newLine()   // for a look; without a watch all sessions are, always
	round := waiting.began // when it was last found out what else there is to do
	timer := time.NewTimer(livePoll)
	defer timer.Stop()
	for {
		select {
		case <-l.wake:
			now, inTurn, done := l.takeHints()
			if done {
				return
			}
			for batch := range slices.Chunk(now, liveBatch) {
				waiting.join(e.look(ctx, batch))
			}
			waiting.join(inTurn)
		case w := <-watches:
			if trying = false; w.done != nil {
				watching, unwatch = w.done, w.end
				waiting.join(l.sessions(false)) // what was missed until now
			}
		case <-watching:
			unwatch()
			watching = nil
			waiting.join(l.sessions(false))
		case <-timer.C:
		}
		if time.Since(round) >= livePoll {
			round = time.Now()
			if watching != nil {
				waiting.join(l.sessions(true))
			} else if !trying { // it may take its time
				trying = true
				go func() { watches <- e.watch(ctx) }()
			}
		}
		if at, n := waiting.next(l.len()); n > 0 && !time.Now().Before(at) {
			batch := waiting.take(n, l.open)
			again := e.look(ctx, batch)
			if watching == nil {
				again = batch
			}
			waiting.join(again)
		}
		next := round.Add(livePoll)
		if at, n := waiting.next(l.len()); n > 0 && at.Before(next) {
			next = at
		}
		timer.Reset(time.Until(next))
	}
}

// watch is one of the store's Watcher.
type watch struct {
	done <-chan struct{} // closed when it ends; nil if the store does not watch
	end  context.CancelFunc
}

func (e *Engine) watch(ctx context.Context) (begun watch) {
	defer e.recovered(ctx, "the store's Watch")
	w, ok := store.Capability[store.Watcher](e.Store)
	if !ok {
		return watch{}
	}
	ctx, cancel := context.WithCancel(ctx)
	late := time.AfterFunc(e.Timeout, cancel)
	done, err := w.Watch(ctx, e.streams.told)
	if !late.Stop() || err != nil {
		cancel()
		return watch{}
	}
	return watch{done, cancel}
}

// look finds out whether the sessions under some keys, few enough to ask for all
// at once, are still those of their streams. It returns those for which the store
// has not answered; their streams go on.
func (e *Engine) look(ctx context.Context, keys []store.Key) (unanswered []store.Key) {
	answered := make([]bool, len(keys))
	var all sync.WaitGroup
	for i, k := range keys {
		all.Go(func() { answered[i] = e.lookAt(ctx, k) })
	}
	all.Wait()
	for i, k := range keys {
		if !answered[i] {
			unanswered = append(unanswered, k)
		}
	}
	return unanswered
}

func (e *Engine) lookAt(ctx context.Context, k store.Key) (answered bool) {
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

// line is a queue of sessions that has each once.
type line struct {
	keys  []store.Key
	since []time.Time // they are waiting
	has   map[store.Key]bool
	began time.Time // when the last of them were taken
	taken int       // how many
}

func newLine() *line {
	return &line{has: make(map[store.Key]bool), began: time.Now(), taken: 1}
}

func (q *line) join(keys []store.Key) {
	now := time.Now()
	for _, k := range keys {
		if !q.has[k] {
			q.has[k] = true
			q.keys, q.since = append(q.keys, k), append(q.since, now)
		}
	}
}

// next returns when to take the next sessions, and how many. All that there are
// are spread over livePoll. When many have ended, so that fewer are left to be
// spread, none waits longer for that.
func (q *line) next(all int) (at time.Time, n int) {
	if len(q.keys) == 0 {
		return at, 0
	}
	const least = time.Second / liveLoads
	each := max(livePoll/time.Duration(max(all, 1)), least)
	at, n = q.began.Add(time.Duration(q.taken)*each), max(1, int(liveTick/each))
	if due := q.since[0].Add(livePoll); due.Before(at) {
		if at = q.began.Add(time.Duration(q.taken) * least); at.Before(due) {
			at = due
		}
		for n = 1; n < min(liveBatch, len(q.keys)) && !at.Before(q.since[n].Add(livePoll)); {
			n++
		}
	}
	return at, n
}

// take removes the first n sessions that are still wanted, and returns them.
func (q *line) take(n int, wanted func(store.Key) bool) (first []store.Key) {
	for len(first) < n && len(q.keys) > 0 {
		k := q.keys[0]
		q.keys, q.since = q.keys[1:], q.since[1:]
		delete(q.has, k)
		if wanted(k) {
			first = append(first, k)
		}
	}
	q.began, q.taken = time.Now(), len(first)
	return first
}
