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
// goroutine, as a map would: Get, Load and Save, which may merge into it, are
// for that goroutine too. Other goroutines of the request use Update.
type Manager[T any] struct{ *manager }

// Handler returns a handler that gives next its sessions and saves them. Mount
// it once, around the whole program or a part; a second time changes nothing.
//
// The response begins when net/http would begin to send it: at the write that
// takes the body past 2048 bytes, at Flush, Hijack or a switch of protocols, at
// an io.Copy of 512 bytes or more with HTTP/1.1, or when next returns. What next
// does to the session before that is one save, so the client never sees an answer
// to something that is not stored yet, and a new cookie goes out with the
// response. If saving fails, the error handler's page replaces all that next
// wrote (see [WithErrorHandler]). What changes later is one more save when next
// returns; a new or renewed session is then too late, see [ErrLate].
//
// If next panics before the response began, nothing is saved and nothing of it
// is sent; the panic goes on. If it answers with a status of 500 or more, what was not
// saved by Save or Update is dropped, a pending Renew or Remember too, while
// Destroy is carried out.
//
// When the session was read the response varies by cookie; one that sets or
// deletes a cookie must not be cached at all. To next the ResponseWriter is
// net/http's, see docs/FRAMEWORKS.md.
//
// Put http.TimeoutHandler around Handler, not inside: inside, a handler that
// overruns goes on changing its *T while it is being saved. Of two managers'
// Handlers one is inside the other, and their cookies must have different names,
// or the inner one panics; its session is saved first, and if the outer one then
// fails, its cookie is lost with the response.
func (m *Manager[T]) Handler(next http.Handler) http.Handler { return m.handler(next) }

// Get returns the request's session, never nil: the stored one if the request
// has a cookie of a live session, else a zero T. All calls for one request
// return the same pointer. It loads on the first, and after an Update merges
// what that saved into the *T.
//
// If the store fails, Get does not return: it panics, and Handler answers the
// request by the error handler, even if a middleware in between recovers. A
// goroutine of your own has no Handler above it; use [Manager.Load] there.
func (m *Manager[T]) Get(ctx context.Context) *T {
	s := m.find(ctx)
	value, err := s.Load(ctx)
	s.Must(err)
	return value.(*T)
}

// Load is Get for handlers that treat a failing store themselves. The error
// wraps [ErrStore]; the next call tries again. With [WithDeviceBinding] another
// error may say that the browser has to prove its device first; Handler then asks
// it to, in place of what the handler answers.
func (m *Manager[T]) Load(ctx context.Context) (*T, error) {
	value, err := m.find(ctx).Load(ctx)
	if err != nil {
		return nil, err
	}
	return value.(*T), nil
}

// Info returns what is known of the request's session besides its data. It
// loads, and fails, as Get does. Until the next save it tells of the session as
// it is stored, but for the Owner if *T has another by now.
func (m *Manager[T]) Info(ctx context.Context) Info {
	s := m.find(ctx)
	info, err := s.Info(ctx)
	s.Must(err)
	return infoOf(info)
}

// Save saves the request's session now if it changed: before a long job, a
// streamed response, or whatever else must not come before it. It carries out a
// pending Renew, Remember or Destroy as well. A new or renewed session's cookie
// goes out with the response. Save counts as use, as each request does, unless
// the request is [Manager.Passive]: a stream keeps its session alive by calling it
// now and then, at least once in the idle timeout. It is stored at most once in a
// tenth of that. Get, Info, Find, and an Update that changes nothing, keep nothing
// alive while the request goes on.
//
// It returns [ErrNotFound] if the session was ended or renewed by another
// request, in which case the change is dropped, [ErrSuperseded], [ErrLate],
// [ErrTooLarge], [ErrStore], [ErrConflict], or an error of the codec. It ends
// with ctx, and within [WithStoreTimeout]. If another request's changes had to
// be merged, maps, slices and pointers taken out of the *T before may be
// replaced in it.
func (m *Manager[T]) Save(ctx context.Context) error {
	return m.find(ctx).Save(ctx)
}

// Update applies fn to a copy of the latest version of the request's session
// and saves it, at once; if another request saved first, it applies fn to what
// that saved, until no other comes in between. So counters are exact, and a
// one-time value is given out once:
//
//	var token string
//	err := sessions.Update(ctx, func(s *Session) error {
//		token, s.OAuthState = s.OAuthState, ""
//		return nil
//	})
//
// fn starts with what this request loaded, without the changes of the *T that
// are not saved yet. Update does not touch the *T: the next Get, and the save at
// the end of the request, merge what Update stored into it, as they would
// another request's changes. So Update may be called from any goroutine of the
// request, even while the handler uses the *T. fn may be called several times
// and must not keep its argument. It may use the request's session, but if it
// saves that itself it is called again.
//
// If fn returns an error, Update returns it and saves nothing. If fn changes
// nothing, Update does not contact the store, except for a pending Renew,
// Remember or Destroy, which it carries out in the same save. Otherwise the
// errors are those of Save. Update ends with ctx, and within
// [WithStoreTimeout] after fn first returned.
func (m *Manager[T]) Update(ctx context.Context, fn func(*T) error) error {
	return m.find(ctx).Update(ctx, func(value any) error { return fn(value.(*T)) })
}

// Renew gives the request's session a fresh token when it is next saved, by
// Save, Update or the end of the handler, and starts its lifetime again. Call it
// whenever rights change, log-in above all, so that a token that was known to
// someone else before is worth nothing after (session fixation; OWASP ASVS 5.0,
// 7.2.4). The session keeps its data and its [Info] ID. What an attacker may
// have put into a planted session is still there, so empty what must not be
// kept.
//
// From the save on, the old token reads and writes nothing. A request that
// comes with it within 10 seconds was probably on its way: it is anonymous,
// stores nothing and sets no cookie, so that it cannot replace the one of the
// log-in. If such a request calls Renew itself, it starts with the zero T
// under a fresh ID. Renew also ends the other sessions that the request's
// cookies name.
//
// If another request renews or ends the session first, nothing is stored and
// the error handler answers, or Save returns, [ErrSuperseded]. If the response
// has begun, or the client has hung up, the session is neither renewed nor
// saved, as the client would not learn the new token: [ErrLate] and an
// EventLate. Renew loads, and fails, as Get does.
func (m *Manager[T]) Renew(ctx context.Context) {
	s := m.find(ctx)
	s.Must(s.Renew(ctx))
}

// Destroy ends the request's session: *T becomes the zero T, and before the
// response begins the record is deleted and the cookie too. It ends every
// session that the request's cookies name, also where there are several, or one
// that this program cannot read, or one whose token was replaced within the last
// 10 seconds. Concurrent requests cannot bring them back. What is written to *T
// afterwards is a new session with a new ID.
//
// After the response has begun the cookie stays with the client, and is worth
// nothing. Destroy loads, and fails, as Get does.
func (m *Manager[T]) Destroy(ctx context.Context) {
	s := m.find(ctx)
	s.Must(s.Destroy(ctx))
}

// Remember gives the request's session limits of its own, in place of
// [WithIdleTimeout] and [WithLifetime], and a cookie that outlives the browser
// ("keep me signed in"). The session ends when it is not used for idle, and
// lifetime from now at the latest; Renew starts the lifetime again:
//
//	Remember(ctx, 0, d)  ends after d, however it is used
//	Remember(ctx, d, 0)  ends when it is not used for d
//	Remember(ctx, d, e)  ends when it is not used for d, and after e at the latest
//	Remember(ctx, 0, 0)  is an ordinary session again, with the browser's cookie
//
// Record and cookie move with use, together and once in a tenth of idle at most.
// Browsers keep no cookie for longer than 400 days (RFC 6265bis, section 5.5).
// Where idle is not 0, use moves the cookie on; with a fixed end of more than 400
// days the browser forgets it before that.
//
// Nothing is saved for a session that stays the zero T. Remember panics if a
// limit is negative, or idle is above a lifetime that is not 0. It loads, and
// fails, as Get does.
func (m *Manager[T]) Remember(ctx context.Context, idle, lifetime time.Duration) {
	s := m.find(ctx)
	s.Must(s.Remember(ctx, idle, lifetime))
}

// Passive says that this request does not count as use: for pages that poll, so
// that a browser left open does not keep its session alive. What the request
// changes is saved, with the expiry that the session has. It may be called before
// or after [Manager.Get], and neither loads nor fails. Save is no use then either. A new session, and one that
// is renewed or remembered, gets its full limits all the same.
func (m *Manager[T]) Passive(ctx context.Context) { m.find(ctx).Passive() }

// Live returns a copy of ctx that ends with the request's session, for streams and
// other long responses: when the session is destroyed, revoked or expires, and
// when another request renews it, so that a stream opened with a stolen cookie
// ends when its owner logs in again. [context.Cause] is then [ErrNotFound]. The
// stream of the request that renews goes on. A request without a stored session
// gets ctx.
//
// A session that ends in this process ends its streams at once; one that ends in
// another process does too if the store is a store.Watcher. With another store
// sessions are looked at every 2 seconds, 500 a second at most, so with more than a thousand
// streamed sessions less often. Looking is no use of the session: a stream keeps
// it alive by [Manager.Save]. If the store fails, the stream goes on.
//
// Live loads, and fails, as Get does. It is safe for concurrent use. A stream ends
// at the latest with ctx; give it the request's.
func (m *Manager[T]) Live(ctx context.Context) context.Context {
	s := m.find(ctx)
	live, err := s.Live(ctx)
	s.Must(err)
	return live
}

// Entry is a stored session as [Manager.All], OwnedBy and Find return it. Data
// is a copy; to change the session use [Manager.UpdateByID].
type Entry[T any] struct {
	Info
	Data T
}

// All yields all live sessions, in no particular order, a page at a time.
// Sessions created or ended during the walk may or may not be yielded; one that
// cannot be read is an EventCorrupt or EventNewer. An error is yielded last:
// [ErrStore], or errors.ErrUnsupported for a store that cannot list. ctx need not
// come from a request.
func (m *Manager[T]) All(ctx context.Context) iter.Seq2[Entry[T], error] {
	return typed[T](m.engine.All(ctx))
}

// OwnedBy yields the live sessions whose T says Owner() == owner, as All does;
// fast if the store has an index, else by reading all. The owner must not be
// empty.
func (m *Manager[T]) OwnedBy(ctx context.Context, owner string) iter.Seq2[Entry[T], error] {
	return typed[T](m.engine.OwnedBy(ctx, owner))
}

// Find returns the session with the given [Info] ID. It returns [ErrNotFound]
// or [ErrStore], within [WithStoreTimeout]. ctx need not come from a request.
func (m *Manager[T]) Find(ctx context.Context, id string) (Entry[T], error) {
	e, err := m.engine.Find(ctx, id)
	if err != nil {
		return Entry[T]{}, err
	}
	return entry[T](e), nil
}

// UpdateByID is Update for any session, by its [Info] ID: to take a right from
// a user who is signed in, for instance. Its expiry does not move. It returns
// fn's error, [ErrNotFound], [ErrTooLarge], [ErrStore] or [ErrConflict]. A
// request that holds the session merges the change into its own. ctx need not
// come from a request.
func (m *Manager[T]) UpdateByID(ctx context.Context, id string, fn func(*T) error) error {
	return m.engine.UpdateByID(ctx, id, func(value any) error { return fn(value.(*T)) })
}

// Revoke ends sessions by their [Info] IDs. Once it has returned nil, no
// request finds them, and none that holds one can save it. Unknown IDs are
// ignored. If an ID is malformed, Revoke returns [ErrNotFound] and revokes
// nothing; otherwise the error is [ErrStore]. ctx need not come from a request.
func (m *Manager[T]) Revoke(ctx context.Context, ids ...string) error {
	return m.engine.Revoke(ctx, ids)
}

// RevokeOwner ends all sessions of an owner, except those with an ID in keep,
// and returns how many: "sign out everywhere else" after a change of password,
// with the request's own ID to keep. Sessions that are saved or renewed while it
// runs are ended too; a log-in that is saved after it returned is a new session.
// It returns [ErrStore], or errors.ErrUnsupported for a store that has no owner
// index and cannot list. The owner must not be empty. ctx need not come from a
// request.
func (m *Manager[T]) RevokeOwner(ctx context.Context, owner string, keep ...string) (int, error) {
	return m.engine.RevokeOwner(ctx, owner, keep)
}

// Count returns how many sessions live by the store's clock, those of other
// managers on the same store included. The engine counts, where it can; else all
// records are walked through, but not decoded. It returns [ErrStore], or
// errors.ErrUnsupported for a store that can do neither. ctx need not come from a
// request.
func (m *Manager[T]) Count(ctx context.Context) (int, error) { return m.engine.Count(ctx) }

// Ping returns an [ErrStore] if the store does not answer within
// [WithStoreTimeout], for health checks. A store without a method of its own for
// it is asked for a session that does not exist. ctx need not come from a request.
func (m *Manager[T]) Ping(ctx context.Context) error { return m.engine.Ping(ctx) }

func entry[T any](e lifecycle.Entry) Entry[T] { return Entry[T]{infoOf(e.Info), *e.Value.(*T)} }

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
