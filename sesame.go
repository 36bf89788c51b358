package sesame

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/internal/cookie"
	"github.com/sesame-go/sesame/internal/lifecycle"
	"github.com/sesame-go/sesame/internal/merge"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
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
}

// Event is something that happened to a session, for metrics and audit logs.
// It never has a token.
type Event struct {
	Kind     EventKind
	ID       string        // the session's, "" if it is about none in particular
	Owner    string        // the session's, "" if it has none or it is not known
	Count    int           // with EventRevoked by owner and EventSwept: how many sessions, otherwise 0
	Field    string        // with EventConflict: the path of the field, such as "Cart.Items"
	Err      error         // with EventCorrupt, EventNewer, EventLate and EventStoreError
	Duration time.Duration // how long the store took, where that can be told
}

// EventKind says what happened. Its text is fit for a metric's label.
type EventKind string

// The kinds of [Event].
const (
	EventCreated      = EventKind(lifecycle.Created)      // stored for the first time
	EventLoaded       = EventKind(lifecycle.Loaded)       // found by a request's cookie
	EventSaved        = EventKind(lifecycle.Saved)        // a change was stored
	EventTouched      = EventKind(lifecycle.Touched)      // only its expiry was moved
	EventRenewed      = EventKind(lifecycle.Renewed)      // its token was replaced
	EventDestroyed    = EventKind(lifecycle.Destroyed)    // ended by a request with its token: log-out, or a log-in over it
	EventRevoked      = EventKind(lifecycle.Revoked)      // ended by Revoke or RevokeOwner
	EventExpired      = EventKind(lifecycle.Expired)      // asked for after its end, or saved: then the change was dropped
	EventSwept        = EventKind(lifecycle.Swept)        // expired sessions were removed from the store
	EventGone         = EventKind(lifecycle.Gone)         // ended or renewed by another request while this one held it; the change was dropped
	EventSuperseded   = EventKind(lifecycle.Superseded)   // a cookie that was replaced just before; the request is anonymous and stores nothing
	EventConflict     = EventKind(lifecycle.Conflict)     // two requests changed one field; the value that was saved later was kept
	EventCorrupt      = EventKind(lifecycle.Corrupt)      // stored, but unreadable; the request is anonymous
	EventUnknownToken = EventKind(lifecycle.UnknownToken) // a cookie that names no session: old, or made up
	EventAmbiguous    = EventKind(lifecycle.Ambiguous)    // one request, several live sessions; none was used
	EventNewer        = EventKind(lifecycle.Newer)        // stored by a program that this one is too old for; the request is anonymous and stores nothing
	EventDropped      = EventKind(lifecycle.Dropped)      // changes were given up because the request failed
	EventLate         = EventKind(lifecycle.Late)         // not stored, because a new token could no longer reach the client
	EventStale        = EventKind(lifecycle.Stale)        // read after a response had begun that a cache may serve to others
	EventStoreError   = EventKind(lifecycle.StoreError)   // the store failed
)

// Option changes a default of [New].
type Option interface{ apply(*config) }

type option func(*config)

func (o option) apply(c *config) { o(c) }

type config struct {
	engine   lifecycle.Config
	cookie   http.Cookie
	insecure bool
	onError  func(http.ResponseWriter, *http.Request, error)
	seeds    map[string]any
}

// WithStore sets where sessions are kept. The default is a memstore.Store of
// the manager's own, with its defaults. Managers may share a store if their
// sessions are of one kind: a token of one manager is good for the other too, if
// it is sent in the other's cookie, and [Manager.All] lists the sessions of all.
// Otherwise give each manager a store, or a table or prefix, of its own.
//
// A wrapper has a method Unwrap() store.Store, and methods that forward to what
// the store inside can do, see store.Capability. New panics if T has a method
// Owner and the store can neither find sessions by owner nor list them, and
// logs a warning if a wrapper hides that the store inside has to be swept.
func WithStore(s store.Store) Option {
	return option(func(c *config) { c.engine.Store = s })
}

// WithCodec sets how sessions are encoded. The default is codec.MsgPack.
// Sessions stored by codec.MsgPack, codec.JSON, codec.Gob or one of the older
// ones given here stay readable, and are encoded by the new one when they
// change. A codec of your own must have an ID above 31.
func WithCodec(c codec.Codec, older ...codec.Codec) Option {
	return option(func(cfg *config) { cfg.engine.Codec, cfg.engine.Older = c, older })
}

// WithCookie sets the cookie's Name, Domain, Path, SameSite and Partitioned. The
// default is __Host-Http-session_id, without domain, with path / and
// SameSite=Lax. Browsers that know this prefix let no script and no other host
// plant or overwrite the cookie (RFC 6265bis, section 4.1.3; Chromium 140,
// Firefox 143); to others it is a __Host- cookie. Where the rules of the prefix
// cannot hold, the default is session_id. The cookie is always HttpOnly, and
// Secure unless [WithInsecureCookie] says otherwise. Its lifetime is each
// session's own, see [Manager.Remember], so a template with Value, Expires or
// MaxAge is an error.
func WithCookie(template http.Cookie) Option {
	return option(func(c *config) { c.cookie = template })
}

// WithInsecureCookie drops the cookie's Secure attribute, for sites that serve
// plain HTTP. It is not needed on localhost, where browsers keep Secure cookies
// of plain HTTP, nor behind a proxy that speaks HTTPS.
func WithInsecureCookie() Option {
	return option(func(c *config) { c.insecure = true })
}

// WithIdleTimeout sets how long a session lives without a request, exact to a
// tenth, as its last use is recorded no more often than that. The default is an
// hour (NIST SP 800-63B-4, AAL2); 0 is no limit. It applies to sessions created
// or renewed from now on.
func WithIdleTimeout(d time.Duration) Option {
	return option(func(c *config) { c.engine.Idle = d })
}

// WithLifetime sets how long a session lives however much it is used, counted
// from its creation or last renewal. The default is 24 hours (NIST SP
// 800-63B-4, AAL2). It applies to sessions created or renewed from now on.
func WithLifetime(d time.Duration) Option {
	return option(func(c *config) { c.engine.Lifetime = d })
}

// WithMaxSize sets how large an encoded session may be, in bytes. The default
// is 64 KiB. Saving a larger one is [ErrTooLarge].
func WithMaxSize(bytes int) Option {
	return option(func(c *config) { c.engine.MaxSize = bytes })
}

// WithStoreTimeout sets how long a request waits for its store: once to load
// its session, and for each save with all its retries. The default is 5 seconds;
// then it is the store that has failed. Loading also ends when the client hangs
// up; the save at the end of the request does not.
func WithStoreTimeout(d time.Duration) Option {
	return option(func(c *config) { c.engine.Timeout = d })
}

// WithLogger sets where problems are logged that an operator must see: a store
// that fails, an unreadable session, a cookie that came too late. Nothing is
// logged for requests that go well, with one exception: the first Secure cookie
// that a manager sets over plain HTTP, on a host that is not loopback, is warned
// of, because browsers drop it. The default is slog.Default().
func WithLogger(l *slog.Logger) Option {
	return option(func(c *config) { c.engine.Logger = l })
}

// WithObserver sets a function that is called with each [Event], within the
// request that caused it and with its context. It must be safe for concurrent
// use, return soon, and not call the manager with that context. The default is
// none.
func WithObserver(f func(context.Context, Event)) Option {
	return option(func(c *config) {
		if f == nil {
			c.engine.Observe = nil
			return
		}
		c.engine.Observe = func(ctx context.Context, e lifecycle.Event) {
			f(ctx, Event{EventKind(e.Kind), e.ID(), e.Owner, e.Count, e.Field, e.Err, e.Duration})
		}
	})
}

// WithErrorHandler sets what answers a request whose session could not be
// loaded or saved, in place of the handler: nothing that the handler wrote or
// set has been sent. r is the request as it came to Handler, without a session.
// The default answers 503 Service Unavailable if the store failed or the
// session was too busy ([ErrStore], [ErrConflict]) or the request took too long
// ([ErrLate]), 409 Conflict for [ErrSuperseded], else 500 Internal Server Error.
func WithErrorHandler(f func(w http.ResponseWriter, r *http.Request, err error)) Option {
	return option(func(c *config) { c.onError = f })
}

// WithSessions stores sessions to start with, for development and tests:
// values of type T or *T, each under the token that a client's cookie then
// has, ID.SECRET; sesametest.Token makes them. A token whose session is stored
// already keeps it. If the store fails, that is logged.
func WithSessions[V any](sessions map[string]V) Option {
	return option(func(c *config) {
		if c.seeds == nil {
			c.seeds = make(map[string]any)
		}
		for _, token := range slices.Sorted(maps.Keys(sessions)) {
			c.seeds[token] = sessions[token]
		}
	})
}

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
		Type: t, Store: memstore.New(), Codec: codec.MsgPack, MaxSize: 64 << 10,
		Idle: time.Hour, Lifetime: 24 * time.Hour, Timeout: 5 * time.Second,
	}
	for _, o := range opts {
		if o == nil {
			check(errors.New("an option is nil; leave it out"))
		}
		o.apply(&c)
	}
	check(c.validate())
	template, err := cookie.NewTemplate(c.cookie, c.insecure)
	check(err)
	c.engine.CookieName = template.Name()
	engine, err := lifecycle.New(c.engine)
	check(err)
	for tok, value := range c.seeds {
		check(seed(engine, t, tok, value))
	}
	return &manager{engine: engine, cookie: template, nameKey: cookieName(template.Name()), onError: c.onError}
}

func (c *config) validate() error {
	e := c.engine
	switch {
	case e.Store == nil:
		return errors.New("WithStore(nil): leave it out for sessions in memory; if the store comes from a constructor, look at its error first")
	case e.Codec == nil:
		return errors.New("WithCodec(nil): leave it out for codec.MsgPack")
	case e.Idle < 0 || e.Idle > 0 && e.Idle < time.Millisecond:
		return fmt.Errorf("WithIdleTimeout(%s): use a millisecond at least, with its unit, such as 30*time.Minute, or 0 for no limit", e.Idle)
	case e.Lifetime < time.Millisecond:
		return fmt.Errorf("WithLifetime(%s): use a millisecond at least, with its unit, such as 12*time.Hour; sessions must end", e.Lifetime)
	case e.Idle > e.Lifetime:
		return fmt.Errorf("WithIdleTimeout(%s) is above WithLifetime(%s), which would end sessions first: lower the one or raise the other", e.Idle, e.Lifetime)
	case e.MaxSize <= 0:
		return fmt.Errorf("WithMaxSize(%d): use a positive number of bytes", e.MaxSize)
	case e.Timeout <= 0:
		return fmt.Errorf("WithStoreTimeout(%s): use a positive duration", e.Timeout)
	case c.onError == nil:
		return errors.New("WithErrorHandler(nil): leave it out for the default")
	}
	for _, older := range e.Older {
		if older == nil {
			return errors.New("WithCodec: an older codec is nil; leave it out")
		}
	}
	if checker, ok := e.Codec.(codec.Checker); ok {
		if err := checker.Check(e.Type); err != nil {
			return err
		}
	}
	return merge.Check(e.Type)
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
