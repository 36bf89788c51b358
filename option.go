package sesame

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"time"

	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/internal/carrier"
	"github.com/sesame-go/sesame/internal/cookie"
	"github.com/sesame-go/sesame/internal/lifecycle"
	"github.com/sesame-go/sesame/internal/merge"
	"github.com/sesame-go/sesame/store"
)

// Option changes a default of [New].
type Option interface{ apply(*config) }

type option func(*config)

func (o option) apply(c *config) { o(c) }

type config struct {
	engine   lifecycle.Config
	store    *store.Store // nil: one in memory
	cookie   http.Cookie
	insecure bool
	header   *string // nil: a cookie
	onError  func(http.ResponseWriter, *http.Request, error)
	imports  reflect.Type // what WithImport imports, nil without it
	limited  bool         // WithOwnerLimit was given
	seeds    map[string]any
	device   *deviceConfig // nil without WithDeviceBinding
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
	return option(func(c *config) { c.store = &s })
}

// WithCodec sets how sessions are encoded. The default is codec.MsgPack.
// Sessions stored by codec.MsgPack, codec.JSON or one of the older ones given
// here stay readable, and are encoded by the new one when they change. A codec of
// your own must have an ID above 31.
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

// WithHeader has the token travel in a header field in place of a cookie, for
// apps and APIs: the request brings it in the field of the given name, and the
// response has it there when it is new or was replaced, and an empty field when
// the session has ended. With the name Authorization both have the form "Bearer
// TOKEN" (RFC 6750, section 2.1). A request that brings another scheme has no
// token. Such a response is not to be cached, and one that depends on the session
// varies by the field. It should not be a redirect: clients follow one with the
// fields of the request, and show none of its own.
//
// A browser adds no such field by itself, so there is no CSRF to protect from. A
// script of another origin needs CORS, which lets it send the field
// (Access-Control-Allow-Headers) and read it (Access-Control-Expose-Headers); any
// script of the page can read the token, other than an HttpOnly cookie. The client
// keeps the token as long as it likes: how long it is good for is in
// [Info].Expires, and [Manager.Remember] changes that alone.
//
// To serve pages and an API with one kind of session give two managers one
// store. New panics if the field has another meaning to clients, servers or
// caches, or with [WithCookie] or [WithInsecureCookie].
func WithHeader(name string) Option {
	return option(func(c *config) { c.header = &name })
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
// use and return soon. The session is locked while it runs, so it does not find
// the session in that context: Get would panic. A panic of the function is
// logged. The default is none.
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
// f must write a status: without one net/http sends 200 OK, and the client takes
// the failure for a success. If f panics, so does Handler.
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
		for token, session := range sessions {
			c.seeds[token] = session
		}
	})
}

// WithOwnerLimit sets how many sessions a user has at most, such as three
// devices. After a log-in those of the user's sessions whose log-in
// ([Info].Renewed) is the oldest are revoked until n are left, each with an
// [EventRevoked]. This holds for log-ins at once too, in one process or several, as
// soon as all of them are answered. A session that logs in again counts by its
// latest log-in. The default is no limit.
//
// New panics if n is below 1, if T has no method Owner, or if the store has no
// owner index. If the store fails, the log-in stands, and an [EventStoreError]
// tells of it.
func WithOwnerLimit(n int) Option {
	return option(func(c *config) { c.engine.OwnerLimit, c.limited = n, true })
}

// WithUpgrade says how sessions of an older version of T become those of the
// next: f makes version to of version to-1. The first version of a session type
// is 1. Versions are for changes that a codec cannot bridge: a field that was
// renamed, or has another type or meaning. A field that is added or removed
// needs none, see docs/EVOLVING.md.
//
// Give New one step for each version, in any order; the last must make a T.
// The oldest may be left out once no session is that old. f is given what the
// codec that wrote the session decodes as an Old. It must be safe for concurrent
// use and should depend on its argument alone. A session is upgraded whenever it
// is read, and stored as a T when it changes. If f panics the session is
// unreadable, an [EventCorrupt].
//
// A program that does not know the version of a session cannot read it: the
// request is anonymous and stores nothing, an [EventNewer], until it logs in or
// out.
func WithUpgrade[Old, New any](to int, f func(Old) New) Option {
	return option(func(c *config) {
		step := lifecycle.Upgrade{To: to, Old: reflect.TypeFor[Old](), New: reflect.TypeFor[New]()}
		if f != nil {
			step.Convert = func(old any) any { return new(f(*old.(*Old))) }
		}
		c.engine.Upgrades = append(c.engine.Upgrades, step)
	})
}

// WithImport moves users here from another session library without logging them
// out. f looks for that library's session in a request that has none of this
// manager's: it reads the other cookie, asks the other store, and returns the
// session as a T. It reports false if there is none, and sets Err if the other
// store cannot be asked. docs/MOVING.md has whole programs for scs,
// gorilla/sessions, gin-contrib/sessions and fiber.
//
// The session is stored by the first request that uses it, and then forgotten
// by the other library, see [Import]. Its ID and token are derived from the
// other library's, so that parallel requests of one browser make one session.
// A request that comes when the other library has forgotten it joins that
// session, if f returns the Token all the same. A log-out ends both.
//
// f must be safe for concurrent use, and ask the other store each time. It is
// called with the request as it came to Handler, whose context ends after
// [WithStoreTimeout]: when no session of this manager is found, once more after
// the imported one was stored, and by [Manager.Destroy].
func WithImport[T any](f func(*http.Request) (Import[T], bool)) Option {
	return option(func(c *config) {
		c.imports, c.engine.Import = reflect.TypeFor[T](), nil
		if f == nil {
			return
		}
		c.engine.Import = func(r *http.Request) (lifecycle.Import, error) {
			imp, ok := f(r)
			return lifecycle.Import{Known: ok, Token: imp.Token, Value: &imp.Session, Expires: imp.Expires, Remember: imp.Remember, Forget: imp.Forget}, imp.Err
		}
	})
}

// carrier makes what carries the tokens.
func (c *config) carrier() (carrier.Carrier, error) {
	if c.header == nil {
		template, err := cookie.NewTemplate(c.cookie, c.insecure)
		return carrier.InCookie(template), err
	}
	if c.insecure || !reflect.ValueOf(c.cookie).IsZero() {
		return carrier.Carrier{}, fmt.Errorf("WithHeader(%q) takes the place of the cookie: drop WithCookie and WithInsecureCookie, or use two managers on one store", *c.header)
	}
	carries, err := carrier.InField(*c.header)
	if err != nil {
		return carrier.Carrier{}, fmt.Errorf("WithHeader: %w", err)
	}
	return carries, nil
}

func (c *config) validate() error {
	e := c.engine
	switch {
	case c.store != nil && *c.store == nil:
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
	case c.limited && e.OwnerLimit < 1:
		return fmt.Errorf("WithOwnerLimit(%d): use 1 or more; leave it out for no limit", e.OwnerLimit)
	case c.imports != nil && c.engine.Import == nil:
		return errors.New("WithImport(nil): leave it out")
	case c.imports != nil && c.imports != e.Type:
		return fmt.Errorf("WithImport: the function imports sessions of type %s, not %s", c.imports, e.Type)
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
