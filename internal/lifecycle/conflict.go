package lifecycle

import (
	"context"
	"math/rand/v2"
	"reflect"
	"time"

	"github.com/sesame-go/sesame/internal/merge"
	"github.com/sesame-go/sesame/store"
)

// reconcile brings the value in line with what somebody else has stored since
// it was loaded.
func (s *Session) reconcile(ctx context.Context) error {
	e := s.engine
	began := e.began()
	loadCtx, cancel := e.detach(ctx)
	defer cancel()
	var latest stored
	theirs, why, err := e.fetch(loadCtx, s.current.key, &latest)
	switch {
	case err != nil:
		return e.failed(ctx, "load", s.current.key, began, err)
	case why == nil && latest.header.Binding != s.current.header.Binding:
		why = corrupt(errBinding)
	}
	if why != nil {
		if why.kind == Corrupt {
			e.emit(ctx, Event{Kind: Corrupt, Key: s.current.key, Err: why.err})
		}
		kind := Gone
		if why.kind == Expired || !s.current.alive(time.Now()) {
			kind = Expired
		}
		s.lose(ctx, kind, e.since(began))
		return ErrNotFound
	}

	base, err := e.decode(&s.current)
	if err != nil {
		return err
	}
	// The merge compares values as they come out of the store, so it is given
	// copies.
	before, err := e.clone(s.value)
	if err != nil {
		return err
	}
	merged, err := e.clone(s.value)
	if err != nil {
		return err
	}
	for _, field := range merge.Structs(base, merged, theirs) {
		e.emit(ctx, Event{Kind: Conflict, Key: s.current.key, Field: field})
	}
	adopt(reflect.ValueOf(s.value).Elem(), reflect.ValueOf(before).Elem(), reflect.ValueOf(merged).Elem())
	s.current = latest
	return nil
}

// adopt sets those fields of value that differ between before, which is what
// value is now, and after. The others stay the very maps and pointers that the
// handler may hold, and what is never stored stays as it is.
func adopt(value, before, after reflect.Value) {
	if before.CanInterface() && !merge.SameHidden(before, after) {
		value.Set(after) // a type that stores its unexported fields by methods of its own
		return
	}
	for i := range value.NumField() {
		f := value.Type().Field(i)
		switch {
		case f.IsExported():
			if !reflect.DeepEqual(before.Field(i).Interface(), after.Field(i).Interface()) {
				value.Field(i).Set(after.Field(i))
			}
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			adopt(value.Field(i), before.Field(i), after.Field(i))
		}
	}
}

// checkpoint returns a function that takes the value back to what it is now.
func (s *Session) checkpoint() (undo func(), err error) {
	before, err := s.engine.clone(s.value)
	if err != nil {
		return nil, err
	}
	return func() {
		value := reflect.ValueOf(s.value).Elem()
		now := value
		if after, err := s.engine.clone(s.value); err == nil {
			now = reflect.ValueOf(after).Elem()
		}
		adopt(value, now, reflect.ValueOf(before).Elem())
	}, nil
}

// turn waits until those have committed who have collided on the session
// before, so that of ten who change it at once nine try a second time, and not
// eight a third time. It is a matter of speed alone: other processes know
// nothing of it, and whoever has waited too long goes on.
func (e *Engine) turn(k store.Key) (done func()) {
	seat := e.seats[k[0]%seats]
	waited := time.NewTimer(100 * time.Millisecond)
	defer waited.Stop()
	select {
	case seat <- struct{}{}:
		return func() { <-seat }
	case <-waited.C:
		return func() {}
	}
}

// seats is for how many sessions at once turns are taken; requests for two that
// share a seat wait for each other needlessly.
const seats = 64

// pause waits a random while, longer the more often it went wrong, so that
// those who collided do not collide again.
func pause(attempt int) {
	if attempt > 0 {
		time.Sleep(rand.N(50 * time.Microsecond << min(attempt, 9)))
	}
}
