package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sesame-go/sesame/store"
)

// cancelCases are about calls whose context is cancelled while they run. Such a
// call may have its effect or not, and the effect may come a little later. But the
// call has all of its effect or none: record, index and list agree.
var cancelCases = []testCase{
	cancelled("save", nil, change{
		before: func(r store.Record) *store.Record { return &r },
		call: func(ctx context.Context, x *trial, k store.Key, r store.Record) error {
			return failure(x.s.Save(ctx, k, r))
		},
		after: func(r store.Record) *store.Record {
			r.Owner, r.Data, r.Expires = "new "+r.Owner, []byte("changed"), r.Expires.Add(time.Hour)
			return &r
		},
	}),
	cancelled("save-ownerless", nil, change{
		before: func(r store.Record) *store.Record { return &r },
		call: func(ctx context.Context, x *trial, k store.Key, r store.Record) error {
			return failure(x.s.Save(ctx, k, r))
		},
		after: func(r store.Record) *store.Record {
			r.Owner, r.Durable = "", true
			return &r
		},
	}),
	cancelled("create", nil, change{
		before: func(store.Record) *store.Record { return nil },
		call: func(ctx context.Context, x *trial, k store.Key, r store.Record) error {
			return failure(x.s.Save(ctx, k, r))
		},
		after: func(r store.Record) *store.Record { return &r },
	}),
	cancelled("touch", nil, change{
		before: func(r store.Record) *store.Record { return &r },
		call: func(ctx context.Context, x *trial, k store.Key, r store.Record) error {
			return x.s.Touch(ctx, k, r.Expires)
		},
		after: func(r store.Record) *store.Record {
			r.Expires = r.Expires.Add(time.Hour)
			return &r
		},
	}),
	cancelled("delete", nil, change{
		before: func(r store.Record) *store.Record { return &r },
		call: func(ctx context.Context, x *trial, k store.Key, r store.Record) error {
			return x.s.Delete(ctx, k)
		},
		after: func(store.Record) *store.Record { return nil },
	}),
	cancelled("delete-owned", ownerIndex, change{
		before: func(r store.Record) *store.Record { return &r },
		call: func(ctx context.Context, x *trial, k store.Key, r store.Record) error {
			return failure(x.s.(store.OwnerIndex).DeleteOwned(ctx, r.Owner))
		},
		after: func(store.Record) *store.Record { return nil },
	}),
}

// A change is a call and the record before and after it; nil is no record.
type change struct {
	before, after func(r store.Record) *store.Record
	call          func(ctx context.Context, x *trial, k store.Key, r store.Record) error
}

// cancelled returns a case that cancels a call at each point where it looks at its
// context, and after some other times.
func cancelled(method string, needs *iface, c change) testCase {
	return testCase{
		name:        "cancel-" + method,
		explanation: "a call that is cancelled while it runs has all of its effect or none: whatever it returns, Load, Owned and All agree about the record",
		needs:       needs,
		f: func(x *trial) {
			var keys []store.Key
			attempt := func(ctx context.Context, end func()) time.Duration {
				keys = append(keys, x.key())
				return c.attempt(ctx, x, end, keys[len(keys)-1])
			}
			for looks := 1; looks < 50; looks++ {
				ctx := &glanced{Context: context.WithoutCancel(x.ctx), left: looks, done: make(chan struct{})}
				ended := false
				attempt(ctx, func() { ended = ctx.end() })
				if !ended {
					break // the call does not look at its context so often
				}
			}
			ctx, cancel := context.WithCancel(x.ctx)
			typical := attempt(ctx, cancel)
			for i := range 12 {
				ctx, cancel := context.WithTimeout(x.ctx, typical*time.Duration(i)/8)
				attempt(ctx, cancel)
			}
			x.becomes(func() string {
				n := 0
				for _, k := range keys {
					if _, ok := x.exists(k); ok {
						n++
					}
				}
				if x.has[counter] && x.count() != n {
					return fmt.Sprintf("Count returns %d, but there are %d records", x.count(), n)
				}
				return ""
			})
		},
	}
}

// attempt makes the change to a new record, with a context that may end during the
// call. After the call it ends the context by end. It returns how long the call
// has taken.
func (c *change) attempt(ctx context.Context, x *trial, end func(), k store.Key) time.Duration {
	x.Helper()
	r := stored()
	r.Owner = k.String()
	old := c.before(r)
	if old != nil {
		r.Version = x.create(k, r)
		old.Version = r.Version
	}
	changed := c.after(r)
	given := r
	if changed != nil {
		given = *changed
	}
	begun := time.Now()
	err := c.call(ctx, x, k, given)
	took := time.Since(begun)
	end() // which must not change the outcome of a call that has returned
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
		x.fatalf("the call was cancelled, but returned %v", err)
	}
	owners := []string{r.Owner, "new " + r.Owner}
	if err == nil {
		x.agrees(k, owners, changed)
	} else {
		x.agrees(k, owners, old, changed)
	}
	if x.has[ownerIndex] {
		for _, owner := range owners {
			x.deleteOwned(-1, owner)
		}
	}
	x.delete(k)
	return took
}

// agrees expects that all methods soon agree on one of the states of k's record.
func (x *trial) agrees(k store.Key, owners []string, states ...*store.Record) {
	x.Helper()
	x.becomes(func() string { return x.state(k, owners, states) })
}

// becomes expects that wrong soon returns "": the effect of a call may come late.
func (x *trial) becomes(wrong func() string) {
	x.Helper()
	for end := time.Now().Add(x.hangs / 10); ; time.Sleep(time.Millisecond) {
		why := wrong()
		if why == "" {
			return
		}
		if time.Now().After(end) {
			x.fatalf("%s", why)
		}
	}
}

// state describes a disagreement between the methods, or returns "".
func (x *trial) state(k store.Key, owners []string, states []*store.Record) string {
	x.Helper()
	r, ok := x.exists(k)
	if !x.isOneOf(r, ok, states) {
		if !ok {
			return "the record is gone, although the call should leave one"
		}
		return fmt.Sprintf("the record (owner %q, data %.40q, expires %v) is neither the old one nor the new one", r.Owner, r.Data, r.Expires)
	}
	if x.has[ownerIndex] {
		for _, owner := range owners {
			got, listed := x.owned(owner)[k]
			if want := ok && r.Owner == owner; listed != want {
				return fmt.Sprintf("the record exists and its owner is %q: %t; Owned(%q) yields it: %t", owner, want, owner, listed)
			}
			if listed && !x.equal(got, r) {
				return fmt.Sprintf("Owned(%q) and Load return different states of the record", owner)
			}
		}
	}
	if x.has[lister] {
		got, listed := x.all()[k]
		if listed != ok {
			return fmt.Sprintf("the record exists: %t; All yields it: %t", ok, listed)
		}
		if listed && !x.equal(got, r) {
			return "All and Load return different states of the record"
		}
	}
	return ""
}

// isOneOf reports whether r, if there is one, is one of the states.
func (x *trial) isOneOf(r store.Record, ok bool, states []*store.Record) bool {
	for _, s := range states {
		if s == nil && !ok || s != nil && ok && x.equal(r, *s) {
			return true
		}
	}
	return false
}

// equal compares all fields but Version and Durable.
func (x *trial) equal(a, b store.Record) bool {
	return string(a.Data) == string(b.Data) && a.Owner == b.Owner && a.Expires.Sub(b.Expires).Abs() < time.Millisecond+x.slack
}

// A glanced context ends when Done and Err have been called left times together.
type glanced struct {
	context.Context
	mu   sync.Mutex
	left int
	done chan struct{}
}

func (g *glanced) look() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left--; g.left == 0 {
		close(g.done)
	}
}

func (g *glanced) Done() <-chan struct{} {
	g.look()
	return g.done
}

func (g *glanced) Err() error {
	g.look()
	if g.ended() {
		return context.Canceled
	}
	return nil
}

func (g *glanced) ended() bool {
	select {
	case <-g.done:
		return true
	default:
		return false
	}
}

// end ends the context and reports whether it had ended before.
func (g *glanced) end() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left <= 0 {
		return true
	}
	g.left = 0
	close(g.done)
	return false
}
