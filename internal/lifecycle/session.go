package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/store"
)

// Session is one request's view of its session. It is made to be embedded in
// the request's other state. Its methods may be called from several goroutines;
// the *T that Load returns belongs to one of them.
type Session struct {
	engine  *Engine
	request untied
	imports *http.Request           // in which Import looks, nil without it
	lines   []string                // that have the token
	failure atomic.Pointer[Failure] // of a method that cannot return it

	mu         sync.Mutex
	*state          // nil until the session is asked for
	passive    bool // the request does not count as use
	sent       bool // no cookie goes out any more
	cached     bool // the response may be cached, though the session was not read for it
	over       bool // the handler has returned
	begun      bool // and the response has begun by then
	told       bool // of a use that comes too late
	leaked     bool // the session was read after a response that may be cached
	proveFirst bool // see mayProveFirst
}

// state is what is known of a session once it is loaded.
type state struct {
	value  any      // *T
	base   snapshot // what *T last equalled
	latest stored   // the store's last answer
	said   string   // what Owner() said of latest
	token  string   // of latest

	others  []store.Key // the other sessions that the cookies name, see identity
	doomed  []store.Key // destroyed, not yet deleted
	streams []*stream   // that this request has opened

	tried      attempt       // a renewal of unknown outcome
	imported   *Import       // where the session comes from, until its cookie is due
	forgetting *Import       // before doomed is deleted
	remember   remember      // with remembering
	cookie     Action        // what the client must be told
	life       time.Duration // of the cookie, see [Reply]

	behind      bool // base is older than latest
	held        bool // see identity
	hadCookie   bool
	deleting    bool   // the cookie, once doomed is deleted
	renew       bool   // a fresh secret is due
	remembering bool   // other limits are due
	fresh       bool   // the token was made by this request: no client has it
	gone        bool   // the session ended, or was renewed, during the request
	late        bool   // which has been reported
	dropped     bool   // so has that
	bind        bool   // the device is to be asked for its key
	offer       string // the challenge that asks it
}

// attempt is a renewing save that failed, and whose record could not be looked
// at: its token may be good.
type attempt struct {
	token    string
	snapshot      // what was to be stored
	whole    bool // see draft
}

type remember struct{ idle, lifetime time.Duration }

// Reply is what the response must tell the client.
type Reply struct {
	Action Action
	Token  string        // with SetToken
	Life   time.Duration // with SetToken; 0: until the browser closes
	Offer  string        // if not "", the challenge that asks the device for its key
}

// Action is what the client has to do with its token.
type Action int

// The actions: leave it alone, set it, delete it.
const (
	KeepToken Action = iota
	SetToken
	DeleteToken
)

// Info is what may be known of a session besides its data.
type Info struct {
	ID         string
	New        bool
	Created    time.Time
	Renewed    time.Time
	Used       time.Time
	Expires    time.Time
	Owner      string
	Remembered bool
	Device     Binding
}

// Request is what a session has to know of its request. Init alone calls it.
type Request interface {
	Header(field string) []string
	HTTP() *http.Request
}

// Init makes s the session of a request. The context is the handler's.
func (s *Session) Init(ctx context.Context, e *Engine, from Request) {
	s.engine, s.request.Context = e, ctx
	s.lines = from.Header(e.Carrier.Field())
	if e.Import != nil {
		s.imports = from.HTTP() // now: any goroutine may be the first to use the session
	}
	if e.Device != nil {
		s.proveFirst = mayProveFirst(from.HTTP())
	}
}

// Load returns the request's *T. It loads on the first call, and again after
// an error; later calls bring in what Update has saved.
func (s *Session) Load(ctx context.Context) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.use(ctx); err != nil {
		return nil, err
	}
	_ = s.catchUp(ctx) // if it fails, so does the commit
	return s.value, nil
}

// use is read for methods whose effect needs a commit. It reports, once, that
// none is to come.
func (s *Session) use(ctx context.Context) error {
	if err := s.read(ctx); err != nil || s.told {
		return err
	}
	if s.over && (s.begun || s.request.Context.Err() != nil) {
		s.told = true
		s.engine.emit(ctx, Event{Kind: Late, Key: s.latest.key, Owner: s.latest.owner, Err: errOver})
	}
	return nil
}

// read is load for what the response may show. It notes that the response
// should have varied by cookie.
func (s *Session) read(ctx context.Context) error {
	early := s.state != nil
	if err := s.load(ctx); err != nil {
		return err
	}
	if s.cached && !early && !s.over {
		s.told, s.leaked = true, true
	}
	return nil
}

var errOver = fmt.Errorf("%w: the handler has returned", ErrLate)

func (s *Session) load(ctx context.Context) error {
	if s.state != nil {
		return nil
	}
	st, err := s.engine.identify(ctx, s.lines, s.proveFirst && !s.sent && !s.over)
	if errors.Is(err, ErrProveFirst) {
		s.failure.Store(&Failure{err, s}) // whatever the handler does
	}
	if err != nil {
		return err
	}
	if !st.latest.exists() && !st.held {
		if st, err = s.foundImport(ctx, st); err != nil {
			return err
		}
	}
	st.base, st.said = st.latest.snapshot, said(st.value)
	s.state = st
	return nil
}

// Info returns what is known of the session, loading it first.
func (s *Session) Info(ctx context.Context) (Info, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.read(ctx); err != nil {
		return Info{}, err
	}
	info := Info{New: true}
	if s.latest.exists() {
		info = s.latest.info()
	}
	if owner := said(s.value); owner != s.said || info.New {
		info.Owner = owner
	}
	return info, nil
}

// Renew asks for a fresh secret at the next save.
func (s *Session) Renew(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.use(ctx); err != nil {
		return err
	}
	s.renew = true
	return nil
}

// Remember asks for other limits at the next save, or for the ordinary ones if
// both are 0.
func (s *Session) Remember(ctx context.Context, idle, lifetime time.Duration) error {
	if idle < 0 || lifetime < 0 || lifetime > 0 && idle > lifetime {
		panic(fmt.Sprintf("sesame: Remember(%s, %s): use limits that are not negative, and an idle timeout within the lifetime; 0 is no limit of that kind", idle, lifetime))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.use(ctx); err != nil {
		return err
	}
	s.remember, s.remembering = remember{idle, lifetime}, true
	return nil
}

// Passive makes the request one that does not count as use.
func (s *Session) Passive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passive = true
}

// Destroy ends at the next save every session that the request's cookies name,
// and begins a new one in the same *T.
func (s *Session) Destroy(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.use(ctx); err != nil {
		return err
	}
	if s.latest.exists() {
		s.doomed = append(s.doomed, s.latest.key)
	}
	if err := s.destroyImport(ctx); err != nil {
		return err
	}
	fresh := &state{
		value: s.value, base: s.engine.zero.snapshot, latest: s.engine.zero, said: s.engine.said,
		doomed: append(s.doomed, slices.DeleteFunc(s.others, func(k store.Key) bool { return k == s.latest.key })...), deleting: s.deleting || s.hadCookie, hadCookie: s.hadCookie,
		cookie: s.cookie, late: s.late, forgetting: s.imported,
	}
	if fresh.cookie == SetToken {
		fresh.cookie = KeepToken // there is no token left to tell
	}
	s.state = fresh
	reflect.ValueOf(s.value).Elem().SetZero()
	return nil
}

// Sent tells that the response has begun, so that no cookie goes out any more,
// and returns whether the session was read for it and what it must say. A
// cacheable response must not be followed by reading the session.
func (s *Session) Sent(cacheable bool) (read bool, r Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent, s.begun = true, s.over
	if s.state == nil {
		s.cached = cacheable
		return false, Reply{}
	}
	r = Reply{Action: s.cookie, Life: s.life, Offer: s.offer}
	if r.Action == SetToken {
		r.Token = s.token
	}
	return true, r
}

// Close tells that the handler is done, whether the response has begun, and
// whether the request has been reported as failed.
func (s *Session) Close(begun, failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent, s.over, s.begun = true, true, begun
	if s.leaked && !failed && !s.late {
		s.engine.emit(&s.request, Event{Kind: Cacheable, Key: s.latest.key, Owner: s.latest.owner})
	}
}

// Format keeps tokens out of logs: whatever the verb, fmt prints a name.
func (s *Session) Format(f fmt.State, _ rune) { fmt.Fprint(f, "sesame.session") }
