// Package lifecycle is sesame's engine: what happens to a session between the
// first byte of a request and the last of its response. It knows the user's
// struct by its reflect.Type only, so that a program with many session types
// has it once.
//
// An [Engine] is a manager's, a [Session] one request's. A Session is loaded
// when it is first asked for and settled by [Session.Commit]: created, saved,
// touched, renewed or deleted, or none of these.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/store"
)

// Errors that the root package exports.
var (
	ErrNotFound = fmt.Errorf("sesame: %w", store.ErrNotFound)
	ErrConflict = fmt.Errorf("sesame: too many changes of one session at once: %w", store.ErrConflict)
	ErrTooLarge = errors.New("sesame: session too large")
	ErrStore    = errors.New("sesame: session store unavailable")
)

// ErrLate is returned to those who ask for what needs a cookie after the
// response has begun. It has been reported by then.
var ErrLate = errors.New("sesame: the response has begun, so the session's cookie can no longer reach the client; call Save before the first byte")

// Config is what an engine works with. All fields but Observe, Logger and
// Older are required.
type Config struct {
	Type       reflect.Type // the user's struct
	Store      store.Store
	Codec      codec.Codec
	Older      []codec.Codec // decode only
	CookieName string
	Idle       time.Duration // 0: no limit
	Lifetime   time.Duration
	Timeout    time.Duration // of one commit
	MaxSize    int           // of an encoded session, in bytes
	Observe    func(context.Context, Event)
	Logger     *slog.Logger // nil: slog.Default() at the time
}

// Engine holds what all requests of a manager share. It is safe for concurrent
// use.
type Engine struct {
	Config
	codecs  [256]codec.Codec // by ID
	zero    stored           // what an anonymous session starts from
	buffers sync.Pool        // of *[]byte
	swept   atomic.Int64     // Unix seconds of the last sweep
	seats   [seats]chan struct{}
}

// New returns an engine. Its error says what T or the codec lacks.
func New(c Config) (*Engine, error) {
	e := &Engine{Config: c}
	for i := range e.seats {
		e.seats[i] = make(chan struct{}, 1)
	}
	e.buffers.New = func() any { return new(make([]byte, 0, 1024)) }
	known := append([]codec.Codec{c.Codec}, c.Older...)
	for _, c := range append(known, codec.MsgPack, codec.JSON, codec.Gob) {
		if e.codecs[c.ID()] == nil {
			e.codecs[c.ID()] = c
		}
	}
	if err := checkOwner(c.Type); err != nil {
		return nil, err
	}
	data, err := e.encode(nil, reflect.New(c.Type).Interface())
	if err != nil {
		return nil, fmt.Errorf("the codec cannot encode the zero %s: %w", c.Type, err)
	}
	e.zero = stored{header: envelope.Header{Codec: c.Codec.ID()}, payload: data[envelope.Len:]}
	if _, err := e.decode(&e.zero); err != nil {
		return nil, fmt.Errorf("the codec cannot decode the zero %s it encoded: %w", c.Type, err)
	}
	e.swept.Store(time.Now().Unix())
	return e, nil
}

// stored is one version of a session as the store has it.
type stored struct {
	key     store.Key
	version uint64 // 0: the store has nothing
	expires time.Time
	header  envelope.Header
	payload []byte    // or an encoding found to mean the same
	exact   bool      // the payload is what the codec writes for the value it reads from it
	quiet   time.Time // see rest
}

func (st *stored) exists() bool { return st.version != 0 }

// alive judges expiry. The store's opinion is only garbage collection: its
// clock may be another, and its sweeper late.
func (st *stored) alive(now time.Time) bool {
	return now.Before(st.expires) && now.Before(st.header.Deadline)
}

// rest sets until when there is nothing to do for a session that is as it is
// at now: it neither ends nor has to be touched. If now has a monotonic clock,
// as after a load, that goes by it, and looking at it is cheap.
func (st *stored) rest(now time.Time) {
	due := st.expires
	if idle := st.header.Idle; idle > 0 {
		due = due.Add(idle/10 - idle)
	}
	if st.header.Deadline.Before(due) {
		due = st.header.Deadline
	}
	st.quiet = now.Add(due.Sub(now))
}

// open reads a record into st. A record that has moved is as good as none.
func open(k store.Key, r store.Record, st *stored) error {
	*st = stored{key: k}
	header, payload, err := envelope.Open(r.Data)
	if err != nil {
		return err
	}
	if header.Moved {
		return store.ErrNotFound
	}
	st.version, st.expires, st.header, st.payload = r.Version, r.Expires, header, payload
	return nil
}

// decode returns a fresh *T: one that was used before would keep what the
// payload lacks. The payload is never changed, so the value may share it.
func (e *Engine) decode(st *stored) (any, error) {
	c := e.codecs[st.header.Codec]
	if c == nil {
		return nil, fmt.Errorf("written by the codec with ID %d, which is unknown here; give it to WithCodec as an older one", st.header.Codec)
	}
	value := reflect.New(e.Type).Interface()
	var err error
	if shared, ok := c.(codec.SharedDecoder); ok {
		st.exact, err = shared.DecodeShared(st.payload, value)
	} else {
		err = c.Decode(st.payload, value)
	}
	if err != nil {
		return nil, err
	}
	return value, nil
}

// encode returns room for a header and then value's encoding, in buf if it
// fits.
func (e *Engine) encode(buf []byte, value any) ([]byte, error) {
	var room [envelope.Len]byte
	data, err := e.Codec.Append(append(buf[:0], room[:]...), value)
	if err != nil {
		return nil, fmt.Errorf("sesame: encode session: %w", err)
	}
	return data, nil
}

// clone returns a copy of a *T as it comes out of the store: without unexported
// fields, and with whatever else the codec normalises.
func (e *Engine) clone(value any) (any, error) {
	data, err := e.encode(nil, value)
	if err != nil {
		return nil, err
	}
	return e.decode(&stored{header: envelope.Header{Codec: e.Codec.ID()}, payload: data[envelope.Len:]})
}

// checkOwner refuses a method Owner that would never be called.
func checkOwner(t reflect.Type) error {
	p := reflect.PointerTo(t)
	method, has := p.MethodByName("Owner")
	if has && !p.Implements(reflect.TypeFor[owned]()) {
		return fmt.Errorf("%s has a method Owner of type %s; to say whose session it is it must be func (s *%s) Owner() string, otherwise rename it", t, method.Type, t.Name())
	}
	return nil
}

type owned interface{ Owner() string }

// ownerOf returns whose session value is.
func ownerOf(value any) (string, error) {
	o, ok := value.(owned)
	if !ok {
		return "", nil
	}
	owner := o.Owner()
	if len(owner) > store.MaxOwner {
		return "", fmt.Errorf("sesame: Owner returned %d bytes, at most %d are allowed", len(owner), store.MaxOwner)
	}
	return owner, nil
}
