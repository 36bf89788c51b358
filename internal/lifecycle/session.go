package lifecycle

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/sesame-go/sesame/store"
)

// Session is one request's view of its session. It is made to be embedded in
// the request's other state. Its methods may be called from several goroutines;
// the value it hands out is theirs to guard.
type Session struct {
	engine  *Engine
	cookies []string // the request's Cookie header lines

	mu          sync.Mutex
	loading     storeContext  // of the first load
	value       any           // *T, once loaded
	token       string        // of current
	current     stored        // what value is compared with
	doomed      []store.Key   // destroyed, not yet deleted
	cookie      Action        // what the client must be told
	life        time.Duration // of the cookie, see [Cookie]
	remember    time.Duration // the new lifetime that is due, if remembering
	remembering bool
	loaded      bool
	renew       bool // a fresh token is due
	gone        bool // ended by somebody else while we held it
	sent        bool // the response has begun
	late        bool // which has been reported
}

// Cookie is what the response must tell the client.
type Cookie struct {
	Action Action
	Token  string        // with SetCookie
	Life   time.Duration // with SetCookie; 0: until the browser closes
}

// Action is what is to be done with the client's cookie.
type Action int

// The actions: leave it alone, set it, delete it.
const (
	KeepCookie Action = iota
	SetCookie
	DeleteCookie
)

// Info is what may be known of a session besides its data.
type Info struct {
	ID      string
	New     bool
	Created time.Time
	Expires time.Time
	Owner   string
}

// Init makes s the session of a request with the given Cookie header lines.
func (s *Session) Init(e *Engine, cookies []string) { s.engine, s.cookies = e, cookies }

// Load returns the request's *T, loading it if that was not done yet. After an
// error the next call tries again.
func (s *Session) Load(ctx context.Context) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	return s.value, nil
}

func (s *Session) load(ctx context.Context) error {
	if s.loaded {
		return nil
	}
	value, token, err := s.engine.resolve(ctx, s.cookies, &s.loading, &s.current)
	if err != nil {
		return err
	}
	s.value, s.token, s.loaded = value, token, true
	return nil
}

// Info returns what is known of the session, loading it first.
func (s *Session) Info(ctx context.Context) (Info, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return Info{}, err
	}
	owner, _ := ownerOf(s.value) // too long an owner is an error when it is saved
	if !s.current.exists() {
		return Info{New: true, Owner: owner}, nil
	}
	info := s.current.info()
	info.Owner = owner
	return info, nil
}

func (st *stored) info() Info {
	expires := st.expires
	if st.header.Deadline.Before(expires) {
		expires = st.header.Deadline
	}
	return Info{ID: st.key.String(), Created: st.header.Created, Expires: expires}
}

// Renew asks for a fresh token at the next commit.
func (s *Session) Renew(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return err
	}
	s.renew = true
	return nil
}

// Remember asks for a lifetime of d at the next commit, or for the ordinary
// limits if d is not positive.
func (s *Session) Remember(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return err
	}
	s.remember, s.remembering = d, true
	return nil
}

// Destroy ends the session at the next commit and begins a new one, in the
// same *T.
func (s *Session) Destroy(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return err
	}
	if s.current.exists() {
		s.doomed = append(s.doomed, s.current.key)
	}
	reflect.ValueOf(s.value).Elem().SetZero()
	s.token, s.current = "", s.engine.zero
	s.renew, s.remembering, s.gone = false, false, false
	if s.cookie == SetCookie {
		s.cookie, s.life = KeepCookie, 0 // there is no token left to tell
	}
	return nil
}

// Sent tells that the response has begun, so that no cookie goes out any more,
// and returns whether the session was read for it and what it must say.
func (s *Session) Sent() (read bool, c Cookie) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = true
	c = Cookie{Action: s.cookie, Life: s.life}
	if c.Action == SetCookie {
		c.Token = s.token
	}
	return s.loaded, c
}

// Format keeps tokens out of logs: whatever the verb, fmt prints a name.
func (s *Session) Format(f fmt.State, _ rune) { fmt.Fprint(f, "sesame.session") }
