package records

import (
	"context"
	"sync"

	"github.com/sesame-go/sesame/store"
)

// Watchers are the callers of a store's Watch. The zero value has none.
type Watchers struct {
	mu    sync.RWMutex
	ended map[chan struct{}]func(store.Key) // by the channel that Watch has returned
}

// Watch implements [store.Watcher] for a store that calls [Watchers.Tell].
func (w *Watchers) Watch(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	done := make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended == nil {
		w.ended = make(map[chan struct{}]func(store.Key))
	}
	w.ended[done] = ended
	context.AfterFunc(ctx, func() { w.stop(done) })
	return done, nil
}

// Tell calls the watchers with each of keys. The store calls it when others
// can see that the sessions ended or were renewed, and without holding a lock.
func (w *Watchers) Tell(keys ...store.Key) {
	if len(keys) == 0 {
		return
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	for _, ended := range w.ended {
		for _, k := range keys {
			ended(k)
		}
	}
}

// Close ends all watching.
func (w *Watchers) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for done := range w.ended {
		close(done)
	}
	w.ended = nil
}

func (w *Watchers) stop(done chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.ended[done]; ok { // else Close was first
		delete(w.ended, done)
		close(done)
	}
}
