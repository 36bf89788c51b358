package storetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sesame-go/sesame/store"
)

// watchCases are about [store.Watcher].
var watchCases = []testCase{
	{
		name:        "watch",
		explanation: "Watch calls ended, at least once each time, with the key of a record that is deleted, removed by DeleteOwned or saved with Durable set",
		needs:       watcher,
		f: func(x *trial) {
			deleted, renewed, bobs := x.key(), x.key(), x.key()
			x.create(deleted, record("data"))
			x.create(bobs, owned("bob")(0))
			r := stored()
			r.Version = x.create(renewed, r)
			w := x.watch()
			defer w.stop(x)
			x.delete(deleted)
			w.told(x, deleted, 1, "was deleted")

			for i := range 3 {
				r.Durable, r.Data = true, []byte{byte(i)}
				r.Version = x.save(renewed, r)
				w.told(x, renewed, i+1, "was saved with Durable set")
			}
			x.delete(renewed)
			w.told(x, renewed, 4, "was deleted after it was renewed")
			r = stored()
			x.create(renewed, r)
			x.delete(renewed)
			w.told(x, renewed, 5, "was created again and deleted")
			if x.has[ownerIndex] {
				ann := x.creates(20, owned("ann"))
				keep := keysOf(ann)[0]
				x.deleteOwned(19, "ann", keep)
				for k := range ann {
					if k != keep {
						w.told(x, k, 1, "was removed by DeleteOwned")
					}
				}
				x.deleteOwned(1, "bob")
				w.told(x, bobs, 1, "was removed by DeleteOwned")
			}
		},
	},
	{
		name:        "watch-begins",
		explanation: "Watch returns only once it is watching: what ends right after it has returned is reported",
		needs:       watcher,
		f: func(x *trial) {
			for i := range x.rounds() {
				k, r := x.key(), stored()
				r.Version = x.create(k, r)
				w := x.watch()
				if i%2 == 0 {
					x.delete(k)
				} else {
					r.Durable = true
					x.save(k, r)
				}
				w.told(x, k, 1, "ended right after Watch had returned")
				w.stop(x)
			}
		},
	},
	{
		name:        "watch-done",
		explanation: "the channel that Watch returns is closed when its context ends and not before, and other watches continue",
		needs:       watcher,
		f: func(x *trial) {
			first, second := x.watch(), x.watch()
			x.pass(time.Now())
			for _, w := range []*watching{first, second} {
				select {
				case <-w.done:
					x.fatalf("the channel is closed although the context has not ended")
				default:
				}
			}
			first.stop(x)
			k := x.key()
			x.create(k, stored())
			x.delete(k)
			second.told(x, k, 1, "was deleted when another Watch had ended")
			second.stop(x)

			x.done(func(ctx context.Context, want error) {
				done, err := x.s.(store.Watcher).Watch(ctx, func(store.Key) {})
				switch {
				case errors.Is(err, want):
				case err != nil:
					x.fatalf("Watch: got %v, want %v", err, want)
				default:
					x.closes(done)
				}
			})
		},
	},
	{
		name:        "watch-many",
		explanation: "every record is reported, even if many end at the same time and there are several watches",
		needs:       watcher,
		f: func(x *trial) {
			var made []store.Key
			x.forAWhile(2*time.Second, 2, 20, func(int) { made = append(made, keysOf(x.creates(150, owned("ann")))...) })
			watches := []*watching{x.watch(), x.watch(), x.watch()}
			half := len(made) / 2
			x.each(half, func(i int) { x.delete(made[i]) })
			if x.has[ownerIndex] {
				x.deleteOwned(len(made)-half, "ann")
			} else {
				x.each(len(made)-half, func(i int) { x.delete(made[half+i]) })
			}
			for _, w := range watches {
				for _, k := range made {
					w.told(x, k, 1, "ended, one of many at once")
				}
				w.stop(x)
			}
		},
	},
}

// A watching is a Watch that counts the calls of ended.
type watching struct {
	cancel context.CancelFunc
	done   <-chan struct{}

	mu    sync.Mutex
	calls map[store.Key]int
	more  chan struct{} // closed at the next call
}

// watch begins to watch.
func (x *trial) watch() *watching {
	x.Helper()
	ctx, cancel := context.WithCancel(x.ctx)
	w := &watching{cancel: cancel, calls: make(map[store.Key]int), more: make(chan struct{})}
	done, err := x.s.(store.Watcher).Watch(ctx, func(k store.Key) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.calls[k]++
		close(w.more)
		w.more = make(chan struct{})
	})
	if err != nil {
		x.fatalf("Watch: %v", err)
	}
	if done == nil {
		x.fatalf("Watch returned nil instead of a channel")
	}
	w.done = done
	return w
}

// heard is how long a call of ended may take to arrive.
func (x *trial) heard() time.Duration { return x.hangs / 3 }

// told expects that ended is called at least n times for k; how says what happened
// to the record.
func (w *watching) told(x *trial, k store.Key, n int, how string) {
	x.Helper()
	late := time.After(x.heard())
	for {
		w.mu.Lock()
		calls, more := w.calls[k], w.more
		w.mu.Unlock()
		if calls >= n {
			return
		}
		select {
		case <-more:
		case <-w.done:
			x.fatalf("the channel that Watch returned was closed, although its context has not ended and the engine runs")
		case <-late:
			x.fatalf("Watch has not called ended within %v for a record that %s", x.heard(), how)
		}
	}
}

// toldOrDone reports whether, within d, ended is called for k or the watching
// ends.
func (w *watching) toldOrDone(k store.Key, d time.Duration) bool {
	late := time.After(d)
	for {
		w.mu.Lock()
		calls, more := w.calls[k], w.more
		w.mu.Unlock()
		if calls > 0 {
			return true
		}
		select {
		case <-more:
		case <-w.done:
			return true
		case <-late:
			return false
		}
	}
}

// stop ends the context and expects that the watching ends.
func (w *watching) stop(x *trial) {
	x.Helper()
	w.cancel()
	x.closes(w.done)
}

func (x *trial) closes(done <-chan struct{}) {
	x.Helper()
	select {
	case <-done:
	case <-time.After(x.heard()):
		x.fatalf("the channel that Watch returned is not closed %v after the context has ended", x.heard())
	}
}
