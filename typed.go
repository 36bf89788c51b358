package sesame

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/sesame-go/sesame/internal/lifecycle"
)

// Manager gives the requests that pass through its Handler their sessions, of
// type T. Get one from [New]. It is safe for concurrent use.
//
// The methods that take a request's context panic if it did not come through
// the manager's own Handler. The *T they hand out belongs to the request's
// goroutine, like a map: other goroutines of the request must guard it, or
// leave it alone and use Update.
type Manager[T any] struct{ core *manager }

// Handler returns a handler that gives next its sessions and saves them. Mount
// it once, around the whole program or a part; a second time changes nothing.
//
// A session is saved before the first byte of the response leaves, so that the
// client never sees an answer to something that is not stored yet; if saving
// fails, the error handler answers instead, alone (see [WithErrorHandler]).
// What changes after the first byte is saved when next returns. If next panics
// nothing is saved. When the session was read the response varies by cookie;
// when a cookie is set or deleted it must not be cached at all.
//
// A handler that takes over the connection by Hijack has its session saved
// before; a new cookie is then in the ResponseWriter's Header, for the handler
// to send. Put http.TimeoutHandler around Handler, not inside: inside, a
// handler that overruns goes on changing its *T while it is being saved. (If
// it must be inside, change the session by Update only.) Of two managers' Handlers
// one is inside the other: a session of the inner one is saved first, and if
// the outer one then fails, its cookie is lost with the response.
func (m *Manager[T]) Handler(next http.Handler) http.Handler { return m.core.handler(next) }

// Get returns the request's session, never nil: the stored one if the request
// has a cookie of a live session, else a zero T. All calls for one request
// return the same pointer. It loads on the first.
//
// If the store fails, Get does not return: it panics, and Handler answers the
// request by the error handler. Goroutines of your own have no Handler above
// them; use [Manager.Load] there.
func (m *Manager[T]) Get(ctx context.Context) *T {
	x := m.core.exchange(ctx)
	value, err := x.session.Load(ctx)
	x.must(err)
	return value.(*T)
}

// Load is Get for handlers that treat a failing store themselves. The error
// wraps [ErrStore]; the next call tries again.
func (m *Manager[T]) Load(ctx context.Context) (*T, error) {
	value, err := m.core.exchange(ctx).session.Load(ctx)
	if err != nil {
		return nil, err
	}
	return value.(*T), nil
}

// Info returns what is known of the request's session besides its data. It
// loads, and fails, as Get does. Until the next save it tells of the session as
// it is stored; Owner is always that of the present T.
func (m *Manager[T]) Info(ctx context.Context) Info {
	x := m.core.exchange(ctx)
	info, err := x.session.Info(ctx)
	x.must(err)
	return Info(info)
}

// Save saves the request's session now if it changed: before a long job, a
// streamed response, or whatever else must not come before it. A new or renewed
// session's cookie goes out with the first byte: a handler that panics before
// has lost it.
//
// It returns [ErrNotFound] if the session was ended by somebody else, in which
// case the change is dropped, [ErrTooLarge], [ErrStore], [ErrConflict], or an
// error of the codec. Where nothing has changed it does not ask the store. If
// the response has begun, a new or renewed session is not saved, since its
// cookie would not reach the client; that is an error too. Where another request's changes had to be merged, maps, slices and pointers
// taken out of the *T before may be replaced in it.
func (m *Manager[T]) Save(ctx context.Context) error {
	return m.core.exchange(ctx).session.Save(ctx)
}

// Update applies fn to the latest version of the request's session and saves
// it, at once; if others saved meanwhile it applies fn to what they saved,
// until nobody interferes. So counters are exact, and a one-time value is given
// out once:
//
//	var token string
//	err := sessions.Update(ctx, func(s *Session) error {
//		token, s.OAuthState = s.OAuthState, ""
//		return nil
//	})
//
// What else has changed in the *T is saved with it. If fn returns an error
// Update returns it, and the session is as it was; otherwise the errors are
// those of Save. An fn that fails or changes nothing has decided on the session
// as this request knows it, since nothing is saved that could collide. Update
// may be called from several goroutines of a request. fn must not keep its
// argument, nor write the response or call the manager with ctx: that would
// wait for itself.
func (m *Manager[T]) Update(ctx context.Context, fn func(*T) error) error {
	return m.core.exchange(ctx).session.Update(ctx, func(value any) error { return fn(value.(*T)) })
}

// Renew gives the request's session a fresh token when it is next saved; the
// old one is dead from that moment on, and the lifetime starts anew. Call it
// whenever rights change, log-in above all, so that a token known to somebody
// else before is worth nothing after (session fixation; OWASP ASVS 5.0,
// 7.2.4). It loads, and fails, as Get does.
//
// Renewed after the first byte of the response, the session is neither renewed
// nor saved: the client would not learn the new token, and under the old one
// the log-in would be whoever's knows it. That is logged and a Late event.
func (m *Manager[T]) Renew(ctx context.Context) {
	x := m.core.exchange(ctx)
	x.must(x.session.Renew(ctx))
}

// Destroy ends the request's session: *T becomes the zero T, the record is
// deleted and the cookie too, before the first byte of the response. What is
// written to *T afterwards is a new session under a new token. Requests that
// run at the same time cannot bring the old one back. After the first byte the
// cookie stays with the client, and is worth nothing. It loads, and fails, as
// Get does.
func (m *Manager[T]) Destroy(ctx context.Context) {
	x := m.core.exchange(ctx)
	x.must(x.session.Destroy(ctx))
}

// Remember makes the request's session live for d from now, used or not, in
// place of the idle timeout and the lifetime, and its cookie outlive the
// browser ("keep me signed in"). After Renew it lives for d anew. A d that is
// not positive makes it an ordinary session again. Browsers cut d down to 400
// days (RFC 6265bis, section 5.5). Nothing is saved for a session that stays
// the zero T. It loads, and fails, as Get does.
func (m *Manager[T]) Remember(ctx context.Context, d time.Duration) {
	x := m.core.exchange(ctx)
	x.must(x.session.Remember(ctx, d))
}

// Entry is a stored session, as seen by those who look at all of them. Data is
// a copy; to change it use [Manager.UpdateByID].
type Entry[T any] struct {
	Info
	Data T
}

// All yields all live sessions, in no particular order, a page at a time.
// Sessions that change meanwhile may or may not be yielded; unreadable ones are
// Corrupt events. An error ends it: [ErrStore], or errors.ErrUnsupported for a
// store that cannot list. Any context will do.
func (m *Manager[T]) All(ctx context.Context) iter.Seq2[Entry[T], error] {
	return typed[T](m.core.engine.All(ctx))
}

// OwnedBy yields the live sessions whose T says Owner() == owner, as All does;
// fast if the store has an index, else by reading all. The owner must not be
// empty.
func (m *Manager[T]) OwnedBy(ctx context.Context, owner string) iter.Seq2[Entry[T], error] {
	return typed[T](m.core.engine.OwnedBy(ctx, owner))
}

// Find returns the session with the given [Info] ID. It returns [ErrNotFound]
// or [ErrStore]. Any context will do.
func (m *Manager[T]) Find(ctx context.Context, id string) (Entry[T], error) {
	e, err := m.core.engine.Find(ctx, id)
	if err != nil {
		return Entry[T]{}, err
	}
	return entry[T](e), nil
}

// UpdateByID is Update for any session, by its [Info] ID: to take a right from
// somebody who is signed in, for instance. Its expiry does not move. It returns
// fn's error, [ErrNotFound], [ErrTooLarge], [ErrStore] or [ErrConflict]. A
// request that holds the session meanwhile merges the change into its own. Any
// context will do.
func (m *Manager[T]) UpdateByID(ctx context.Context, id string, fn func(*T) error) error {
	return m.core.engine.UpdateByID(ctx, id, func(value any) error { return fn(value.(*T)) })
}

// Revoke ends sessions by their [Info] IDs. Once it has returned nil, no
// request finds them, and none that holds one can save it. Sessions that are
// gone already are fine; what is no ID is [ErrNotFound], and then nothing is
// revoked. Any context will do.
func (m *Manager[T]) Revoke(ctx context.Context, ids ...string) error {
	return m.core.engine.Revoke(ctx, ids)
}

// RevokeOwner ends all sessions of an owner, except those with an ID in keep,
// and returns how many: "sign out everywhere else" after a change of password,
// with the own ID to keep. Sessions renewed meanwhile are ended too; a log-in
// that is saved after it returned is a new session. It returns [ErrStore], or
// errors.ErrUnsupported for a store that has no owner index and cannot list.
// The owner must not be empty. Any context will do.
func (m *Manager[T]) RevokeOwner(ctx context.Context, owner string, keep ...string) (int, error) {
	return m.core.engine.RevokeOwner(ctx, owner, keep)
}

func entry[T any](e lifecycle.Entry) Entry[T] { return Entry[T]{Info(e.Info), *e.Value.(*T)} }

func typed[T any](entries iter.Seq2[lifecycle.Entry, error]) iter.Seq2[Entry[T], error] {
	return func(yield func(Entry[T], error) bool) {
		for e, err := range entries {
			if err != nil {
				yield(Entry[T]{}, err)
				return
			}
			if !yield(entry[T](e), nil) {
				return
			}
		}
	}
}
