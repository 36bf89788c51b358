// Package lifecycle is sesame's engine: what happens to a session between the
// first byte of a request and the last of its response. It knows the user's
// struct only by its reflect.Type, so that a program with many session types
// contains this code once.
//
// A manager has an [Engine], a request a [Session]. A Session is loaded when it is
// first used, and [Session.Commit] creates, saves, touches, renews or deletes it, or
// does nothing.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/internal/carrier"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// Errors that the root package exports.
var (
	ErrNotFound = fmt.Errorf("sesame: %w", store.ErrNotFound)
	ErrConflict = fmt.Errorf("sesame: too many changes of one session at once: %w", store.ErrConflict)
	ErrTooLarge = errors.New("sesame: session too large")
	ErrStore    = errors.New("sesame: session store unavailable")
	ErrLate     = errors.New("sesame: a new token can no longer reach the client")

	// ErrSuperseded wraps ErrNotFound: the request's token was replaced.
	ErrSuperseded = fmt.Errorf("sesame: the session was renewed or ended by another request: %w", ErrNotFound)
)

// Config is what an engine works with. All fields but Observe, Logger,
// Older, Upgrades, Import and Device are required.
type Config struct {
	Type       reflect.Type // the user's struct
	Store      store.Store
	Codec      codec.Codec
	Older      []codec.Codec // decode only
	Carrier    carrier.Carrier
	Idle       time.Duration // 0: no limit
	Lifetime   time.Duration
	Timeout    time.Duration // of a load, and of a save with its retries
	MaxSize    int           // of an encoded session, in bytes
	Upgrades   []Upgrade     // steps between versions of the session type
	OwnerLimit int           // sessions of one owner; 0: no limit
	Import     func(*http.Request) (Import, error)
	Device     *Device // nil: sessions are not bound to devices
	Observe    func(context.Context, Event)
	Logger     *slog.Logger // nil: slog.Default() at the time
}

// Engine holds what all requests of a manager share. It is safe for concurrent
// use.
type Engine struct {
	Config
	Warned     atomic.Bool      // of a Secure cookie over plain HTTP
	name       any              // a string that no other engine has
	carrierKey any              // see context.go
	devicePath any              // see offer.go
	codecs     [256]codec.Codec // by ID
	schema     uint16           // the version of Type
	zero       stored           // what an anonymous session starts from
	said       string           // what Owner() says of the zero T
	inMemory   bool             // the store never waits
	lister     store.Lister     // nil if the store cannot
	owners     store.OwnerIndex // nil if the store has none
	sweeper    store.Sweeper    // nil if the store needs none
	swept      atomic.Int64     // Unix seconds of the last sweep
	scratch    sync.Pool        // of *[]byte, to encode into
	lost       sync.Map         // fields whose loss was reported
	streams    streams
	watchers   atomic.Pointer[[]func(Event)] // see Tell
	turns      [turns]chan struct{}
	limits     [turns]limitTurn
}

// New returns an engine. The error says what T, the codec or the store lacks.
func New(c Config) (*Engine, error) {
	e := &Engine{Config: c, carrierKey: carrierKey(c.Carrier.Name())}
	e.name = fmt.Sprintf("sesame %p", e)
	if c.Device != nil {
		e.devicePath = devicePath(c.Device.Register)
	}
	for i := range e.turns {
		e.turns[i], e.limits[i].turn = make(chan struct{}, 1), make(chan struct{}, 1)
	}
	e.scratch.New = func() any { return new(make([]byte, 0, 1024)) }
	if err := e.useCodecs(); err != nil {
		return nil, err
	}
	if err := e.useUpgrades(); err != nil {
		return nil, err
	}
	if err := e.useStore(); err != nil {
		return nil, err
	}
	zero := reflect.New(c.Type).Interface()
	var payload []byte
	if err := e.encode(&payload, zero, nil); err != nil {
		return nil, fmt.Errorf("the codec cannot encode the zero %s: %w", c.Type, err)
	}
	e.zero.snapshot = e.snapshot(e.written(payload))
	if _, err := e.decode(&e.zero.snapshot); err != nil {
		return nil, fmt.Errorf("the codec cannot decode the zero %s it encoded: %w", c.Type, err)
	}
	e.said = said(zero)
	e.swept.Store(time.Now().Unix())
	return e, nil
}

// useCodecs finds the codecs that records may name.
func (e *Engine) useCodecs() error {
	for _, c := range append([]codec.Codec{e.Codec}, e.Older...) {
		id := c.ID()
		if id == 0 || id <= lastOwnCodec && !isOwn(c) {
			return fmt.Errorf("WithCodec: %T has the ID %d; 0 is none, and 1 to %d are sesame's own: give it another, and keep that", c, id, lastOwnCodec)
		}
		if e.codecs[id] == nil {
			e.codecs[id] = c
		}
	}
	for _, c := range []codec.Codec{codec.MsgPack, codec.JSON} {
		if e.codecs[c.ID()] == nil {
			e.codecs[c.ID()] = c
		}
	}
	return nil
}

const (
	lastOwnCodec = 31
	ownPackage   = "github.com/sesame-go/sesame/codec"
)

// isOwn reports whether c is one of sesame's codecs: its type is declared in
// package codec or in one below it.
func isOwn(c codec.Codec) bool {
	t := reflect.TypeOf(c)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath() == ownPackage || strings.HasPrefix(t.PkgPath(), ownPackage+"/")
}

// useStore finds out what the store can do, and refuses one that lacks what T
// needs.
func (e *Engine) useStore() error {
	s := e.Store
	_, e.inMemory = s.(*memstore.Store)
	e.lister, _ = store.Capability[store.Lister](s)
	e.owners, _ = store.Capability[store.OwnerIndex](s)
	e.sweeper, _ = store.Capability[store.Sweeper](s)
	if _, hidden := store.As[store.Sweeper](s); hidden && e.sweeper == nil {
		e.Log(context.Background(), slog.LevelWarn, "sesame: expired sessions will stay in the store: it has to be swept, but the wrapper around it has no method Sweep that forwards to it", "wrapper", fmt.Sprintf("%T", s))
	}
	has, err := checkOwner(e.Type)
	if err == nil && has && e.owners == nil && e.lister == nil {
		err = fmt.Errorf("%s has a method Owner, but %T can neither find sessions by owner nor list them: use a store that implements store.OwnerIndex or store.Lister (if it wraps one that does, forward the methods), or rename the method", e.Type, s)
	}
	if err == nil {
		err = e.checkLimit(has)
	}
	return err
}

// checkOwner reports whether t says whose a session is, and refuses a method
// Owner of the wrong type, or one that panics on the zero value.
func checkOwner(t reflect.Type) (has bool, err error) {
	p := reflect.PointerTo(t)
	method, has := p.MethodByName("Owner")
	switch {
	case !has:
		return false, nil
	case !p.Implements(reflect.TypeFor[owned]()):
		return false, fmt.Errorf("%s has a method Owner of type %s; to say whose session it is it must be func (s *%s) Owner() string, otherwise rename it", t, method.Type, t.Name())
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the method Owner of the zero %s panics (%v); a session without data must have the owner \"\": if Owner belongs to an embedded pointer, embed the struct instead, or give %s a method Owner that looks for nil", t, r, t.Name())
		}
	}()
	said(reflect.New(t).Interface())
	return true, nil
}

type owned interface{ Owner() string }

// said returns what Owner() says of a *T, "" if it has no such method.
func said(value any) string {
	if o, ok := value.(owned); ok {
		return o.Owner()
	}
	return ""
}

// ownerToStore is the owner of a new version of st. It changes only if Owner()
// returns something else than before, so that a program whose T has the owner in
// another field does not take the record from its owner.
func ownerToStore(st *stored, before string, value any) string {
	if now := said(value); !st.exists() || now != before {
		return now
	}
	return st.owner
}
