package sesame

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/internal/lifecycle"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store/memstore"
)

// New returns a manager of sessions of type T, a struct whose exported fields
// are what is saved. Without options sessions are kept in memory, encoded as
// MessagePack, and end after an hour without a request or a day after log-in.
//
// T may have two optional methods, on T or on *T. Owner() string says whose
// session it is, "" for a visitor's: at most 255 bytes, so return a hash of a
// name that may be longer. [Manager.OwnedBy] and [Manager.RevokeOwner] go by it,
// and the store must be able to find sessions by owner or to list them.
// Merge(base, theirs *T), on *T, resolves conflicts of concurrent requests by
// hand: the receiver is this request's session, base what both requests
// loaded, theirs what the other one saved. The types of fields may have a Merge
// of their own.
//
// New panics, with the cure in the text, if T is not a struct, has a field that
// the codec cannot carry, a tag that does not fit its field or a method of the
// wrong form, or if an option is wrong. Managers are made once, as a rule in a
// package variable, and are safe for concurrent use.
func New[T any](opts ...Option) *Manager[T] {
	return &Manager[T]{newManager(reflect.TypeFor[T](), opts)}
}

// Errors that a [Manager] returns, wrapped; errors.Is finds them.
var (
	// ErrNotFound says that a session is not there: it never was, was ended by
	// log-out or revocation, has expired, or was renewed by another request
	// since this one came. It wraps store.ErrNotFound.
	ErrNotFound = lifecycle.ErrNotFound

	// ErrSuperseded says that a log-in came to nothing, because another
	// request renewed or ended the session first, or that the request's token
	// had been replaced just before it came (see [Manager.Renew]). It wraps
	// ErrNotFound. The default error handler answers 409 Conflict.
	ErrSuperseded = lifecycle.ErrSuperseded

	// ErrLate says that a session was neither created nor renewed because the
	// client would not learn the new token: the response has begun, or the
	// request's context is done. What was stored before is still there.
	ErrLate = lifecycle.ErrLate

	// ErrConflict says that a change gave up after a hundred attempts, or when
	// its time was up, each attempt overtaken by other changes of the same
	// session. It wraps store.ErrConflict.
	ErrConflict = lifecycle.ErrConflict

	// ErrTooLarge says that an encoded session is larger than [WithMaxSize]
	// allows. What was stored before is still there.
	ErrTooLarge = lifecycle.ErrTooLarge

	// ErrStore says that the store failed; it wraps the store's own error too.
	ErrStore = lifecycle.ErrStore
)

// Info is what may be known of a session besides its data. It never has the
// token.
type Info struct {
	// ID names the session for its whole life, also across log-in. It has 22
	// characters, is safe to log, and is "" before the session is stored. It is
	// no credential, and does not change at log-in: do not bind CSRF tokens to
	// it.
	ID string

	New        bool      // not stored yet
	Created    time.Time // when it was first stored
	Renewed    time.Time // when its token was last replaced, as at log-in; at first Created
	Used       time.Time // when it was last used, to a tenth of the idle timeout; Renewed if it has none
	Expires    time.Time // when it ends if it is not used again
	Owner      string    // what T's method Owner returns, "" without one
	Remembered bool      // its cookie outlives the browser, see [Manager.Remember]
	Device     Device    // whether it is bound to a device, see [WithDeviceBinding]
}

// Import is a session of another library, see [WithImport].
type Import[T any] struct {
	// Token is what the other library knows the session by: the value of its
	// cookie, or its ID. It must be impossible to guess, as it will let a client
	// in, and different for each session. A session without one is not imported.
	// Return it, with false, also if the other library does not know the session:
	// another request of the browser may have imported it already.
	Token string

	Session T

	// Expires is when the session ends at the latest; a session whose time has
	// passed is not imported. If it is zero the manager's lifetime applies. The
	// idle timeout is the manager's.
	Expires time.Time

	// Remember keeps the session until Expires however little it is used, in a
	// cookie that outlives the browser, as [Manager.Remember] does. It is for
	// libraries whose cookies do. Without Expires it has no effect.
	Remember bool

	// Forget deletes the session from the other library's store. It is called
	// when the session has been stored here, and at its log-out if the other
	// library still has it. Its context ends after [WithStoreTimeout]. An error is
	// an [EventStoreError]. After that of an import the session here stands; a
	// log-out has failed, as if the session could not be deleted here. Until Forget
	// has succeeded, the old cookie imports the session again when it has expired
	// or was revoked here. If it is nil, as it has to be where the session is in
	// the cookie itself, it does so after a log-out too, until Expires.
	Forget func(context.Context) error

	// Err says that the other store could not be asked. The error handler
	// answers, as if the manager's own store had failed, so that an outage logs
	// users neither in nor out.
	Err error
}

// Event is something that happened to a session, for metrics and audit logs.
// It never has a token.
type Event struct {
	Kind     EventKind
	ID       string        // the session's, "" if it is about none in particular
	Owner    string        // the session's, "" if it has none or it is not known
	Count    int           // with EventRevoked by owner and EventSwept: how many sessions, otherwise 0
	Field    string        // with EventConflict, and EventDropped with an Err: the path of the field, such as "Cart.Items"
	Err      error         // with EventCorrupt, EventNewer, EventLate and EventStoreError; with EventDropped if a field was lost
	Duration time.Duration // how long the store took, where that can be told
}

// EventKind says what happened. Its text is fit for a metric's label.
type EventKind string

// The kinds of [Event]. A session that expires has no event of its own: nothing
// happens at that moment. EventSwept counts such sessions; to find out about one
// keep its [Info] ID, and ask [Manager.Find], which returns [ErrNotFound] once it
// has ended. docs/OPERATING.md has more.
const (
	EventCreated      = EventKind(lifecycle.Created)      // stored for the first time
	EventLoaded       = EventKind(lifecycle.Loaded)       // found by a request's token
	EventSaved        = EventKind(lifecycle.Saved)        // a change was stored
	EventTouched      = EventKind(lifecycle.Touched)      // only its expiry was moved
	EventRenewed      = EventKind(lifecycle.Renewed)      // its token was replaced
	EventDestroyed    = EventKind(lifecycle.Destroyed)    // ended by a request with its token: log-out, or a log-in over it
	EventRevoked      = EventKind(lifecycle.Revoked)      // ended by Revoke, RevokeOwner or WithOwnerLimit
	EventExpired      = EventKind(lifecycle.Expired)      // asked for after its end, or saved: then the change was dropped
	EventSwept        = EventKind(lifecycle.Swept)        // expired sessions were removed from the store; Count says how many, not which
	EventGone         = EventKind(lifecycle.Gone)         // ended or renewed by another request while this one held it; the change was dropped
	EventSuperseded   = EventKind(lifecycle.Superseded)   // a token that was replaced just before; the request is anonymous and stores nothing
	EventConflict     = EventKind(lifecycle.Conflict)     // two requests changed one field; the value that was saved later was kept
	EventCorrupt      = EventKind(lifecycle.Corrupt)      // stored, but unreadable; the request is anonymous
	EventUnknownToken = EventKind(lifecycle.UnknownToken) // a token that names no session: old, or made up
	EventAmbiguous    = EventKind(lifecycle.Ambiguous)    // one request, several live sessions; none was used
	EventNewer        = EventKind(lifecycle.Newer)        // stored by a program that this one is too old for; the request is anonymous and stores nothing
	EventDropped      = EventKind(lifecycle.Dropped)      // changes were given up because the request failed; with an Err, a field that T does not have was lost (docs/EVOLVING.md)
	EventLate         = EventKind(lifecycle.Late)         // not stored, because a new token could no longer reach the client
	EventBound        = EventKind(lifecycle.Bound)        // a browser has registered its device's key, see WithDeviceBinding
	EventStale        = EventKind(lifecycle.Stale)        // a good cookie without its device's proof; the request is anonymous and stores nothing
	EventCacheable    = EventKind(lifecycle.Cacheable)    // read after a response had begun that a cache may serve to others
	EventStoreError   = EventKind(lifecycle.StoreError)   // the store failed
)

func newManager(t reflect.Type, opts []Option) *manager {
	check := func(err error) {
		if err != nil {
			panic(fmt.Sprintf("sesame: New[%s]: %v", t, err))
		}
	}
	if t.Kind() != reflect.Struct {
		check(errors.New("T must be a struct, such as New[Session]; a pointer to one is what Get returns"))
	}
	c := config{onError: answerError}
	c.engine = lifecycle.Config{
		Type: t, Codec: codec.MsgPack, MaxSize: 64 << 10,
		Idle: time.Hour, Lifetime: 24 * time.Hour, Timeout: 5 * time.Second,
	}
	for _, o := range opts {
		if o == nil {
			check(errors.New("an option is nil; leave it out"))
		}
		o.apply(&c)
	}
	check(c.validate())
	if c.store == nil {
		c.engine.Store = memstore.New()
	} else {
		c.engine.Store = *c.store
	}
	carries, err := c.carrier()
	check(err)
	c.engine.Carrier = carries
	device, err := newDevice(c.device, carries)
	check(err)
	c.engine.Device = device.forEngine()
	engine, err := lifecycle.New(c.engine)
	check(err)
	for tok, value := range c.seeds {
		check(seed(engine, t, tok, value))
	}
	if device != nil {
		device.engine = engine
	}
	return &manager{lifecycle.NewHandle(engine), engine, device, c.onError}
}

func seed(engine *lifecycle.Engine, t reflect.Type, tok string, value any) error {
	v := reflect.ValueOf(value)
	switch {
	case !token.Valid(tok):
		return errors.New("WithSessions: " + token.Form)
	case v.IsValid() && v.Type() == t:
		p := reflect.New(t)
		p.Elem().Set(v)
		v = p
	case !v.IsValid() || v.Type() != reflect.PointerTo(t) || v.IsNil():
		return fmt.Errorf("WithSessions: a session is a %T, not a %s", value, t)
	}
	if err := engine.Seed(context.Background(), tok, v.Interface()); !errors.Is(err, ErrStore) {
		return err
	}
	return nil // the store is down: logged, and no error of the program
}
