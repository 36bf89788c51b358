// Package sesame gives net/http handlers typed sessions that save themselves.
//
// Write a struct. The request's session is a pointer to one; change it, and it
// is saved:
//
//	type Session struct{ Times int }
//
//	var sessions = sesame.New[Session]()
//
//	func count(w http.ResponseWriter, r *http.Request) {
//		s := sessions.Get(r.Context())
//		s.Times++
//		fmt.Fprintf(w, "%d times!\n", s.Times)
//	}
//
//	func main() {
//		http.ListenAndServe("localhost:9090", sessions.Handler(http.HandlerFunc(count)))
//	}
//
// A session is loaded when it is first asked for. Before the first byte of the
// response, and again when the handler returns, its encoding is compared with
// the one that was loaded: only a session that changed is saved, and nested
// maps, slices and pointers may be changed in place. Visitors whose session
// stays the zero struct cost nothing: no record, no cookie.
//
// Of requests that run side by side on one session none undoes what another
// has done: each save is a compare-and-swap against the version that its request
// loaded, and what others changed meanwhile is merged field by field. Where two
// changed one field the later value is kept, with a Conflict event;
// [Manager.Update] is for counters and one-time values. A session that was ended
// by [Manager.Destroy] or [Manager.Revoke] is never revived by a slower request.
//
// Call [Manager.Renew] at every log-in, [Manager.Destroy] at log-out. Give the
// struct a method Owner() string, and sessions can be listed and revoked by
// user. Sessions live in memory unless [WithStore] says otherwise; packages
// under store have the engines, package codec the encodings.
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
// msgpack, and end after an hour without a request or a day after log-in.
//
// T may have two optional methods, on T or on *T. Owner() string says whose
// session it is, "" for nobody's; [Manager.OwnedBy] and [Manager.RevokeOwner]
// go by it. Merge(base, theirs *T) resolves a conflict of two requests by
// hand: the receiver is this request's session, base what it was loaded as,
// theirs what another request made of it; field types may have one of their
// own.
//
// New panics, with the cure in the text, if T is not a struct, has a field that
// the codec cannot carry, or an option is wrong. Managers are made once, as a
// rule in a package variable, and are safe for concurrent use.
func New[T any](opts ...Option) *Manager[T] {
	return &Manager[T]{newManager(reflect.TypeFor[T](), opts)}
}

// Errors that a [Manager] returns, wrapped; errors.Is finds them.
var (
	// ErrNotFound says that a session is not there: never was, ended by
	// log-out or revocation, or expired. It wraps store.ErrNotFound.
	ErrNotFound = lifecycle.ErrNotFound

	// ErrConflict says that a change gave up after a hundred attempts, each
	// overtaken by other changes of the same session. It wraps
	// store.ErrConflict.
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
	ID      string    // public name, 43 characters, safe to log; "" before the session is stored
	New     bool      // not stored yet
	Created time.Time // when it was created or last renewed
	Expires time.Time // when it ends if it is not used again, to a tenth of the idle timeout
	Owner   string    // what T's method Owner returns, "" without one
}

// Event is something that happened to a session, for metrics and audit logs.
// It never has a token.
type Event struct {
	Kind     EventKind
	ID       string        // the session's, "" if it is about none in particular
	Count    int           // how many sessions RevokeOwner destroyed, otherwise 0
	Field    string        // with Conflict: the path of the field, such as "Cart.Items"
	Err      error         // with Corrupt, Late and StoreError
	Duration time.Duration // how long the store took, where that can be told
}

// EventKind says what happened. Its text is fit for a metric's label.
type EventKind string

// The kinds of [Event].
const (
	Created      = EventKind(lifecycle.Created)      // stored for the first time
	Loaded       = EventKind(lifecycle.Loaded)       // found by a request's cookie
	Saved        = EventKind(lifecycle.Saved)        // a change was stored
	Touched      = EventKind(lifecycle.Touched)      // only its expiry was moved
	Renewed      = EventKind(lifecycle.Renewed)      // moved to a fresh token; ID is the new one
	Destroyed    = EventKind(lifecycle.Destroyed)    // deleted by Destroy, Revoke or RevokeOwner, if it was still there
	Expired      = EventKind(lifecycle.Expired)      // asked for after its end, or saved: then the change was dropped
	Gone         = EventKind(lifecycle.Gone)         // ended by somebody else while a request held it; the change was dropped
	Conflict     = EventKind(lifecycle.Conflict)     // two requests changed one field; the value of the one that saved later was kept
	Corrupt      = EventKind(lifecycle.Corrupt)      // stored, but unreadable; left alone
	UnknownToken = EventKind(lifecycle.UnknownToken) // a cookie that names no session: old, or made up
	Ambiguous    = EventKind(lifecycle.Ambiguous)    // one request, several live sessions; none was used
	Late         = EventKind(lifecycle.Late)         // a cookie was due after the response had begun
	StoreError   = EventKind(lifecycle.StoreError)   // the store failed
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
// Else give each a store, or a table or prefix, of its own.
func WithStore(s store.Store) Option {
	return option(func(c *config) { c.engine.Store = s })
}

// WithCodec sets how sessions are encoded. The default is codec.MsgPack.
// Sessions stored by codec.MsgPack, codec.JSON, codec.Gob or one of the older
// ones given here stay readable, and are encoded anew when they change.
func WithCodec(c codec.Codec, older ...codec.Codec) Option {
	return option(func(cfg *config) { cfg.engine.Codec, cfg.engine.Older = c, older })
}

// WithCookie sets the cookie's Name, Domain, Path, SameSite and Partitioned. The
// default is __Host-session_id, or session_id where a browser would refuse the
// prefix (RFC 6265bis, section 4.1.3.2), without domain, with path / and
// SameSite=Lax. The cookie is always HttpOnly, and Secure unless
// [WithInsecureCookie] says otherwise. Its lifetime is each session's own, see
// [Manager.Remember], so a template with Value, Expires or MaxAge is an error.
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
// its session, and each time it saves it. The default is 5 seconds; then it is
// the store that has failed. Loading also ends when the client hangs up, saving
// does not.
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
			f(ctx, Event{EventKind(e.Kind), e.ID(), e.Count, e.Field, e.Err, e.Duration})
		}
	})
}

// WithErrorHandler sets what answers a request whose session could not be
// loaded or saved, in place of the handler: nothing that the handler wrote or
// set has been sent. r is the request as it came to Handler, without a session.
// The default answers 503 Service Unavailable if the store
// failed ([ErrStore], [ErrConflict]), else 500 Internal Server Error.
func WithErrorHandler(f func(w http.ResponseWriter, r *http.Request, err error)) Option {
	return option(func(c *config) { c.onError = f })
}

// WithSessions stores sessions to start with, for development and tests:
// values of type T or *T, each under the token that a client's cookie then
// has, 26 characters out of A-Z and 2-7. A token whose session is stored
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
	return &manager{engine: engine, cookie: template, onError: c.onError}
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
		return fmt.Errorf("WithSessions: a token has %d characters out of A-Z and 2-7", token.Len)
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
