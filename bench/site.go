package bench

import (
	"fmt"
	"sync"
)

// Op is what a request does.
type Op string

// The ops that are measured.
const (
	NoCookie  Op = "nocookie"  // a visitor without a cookie; the handler leaves the session alone
	Untouched Op = "untouched" // with a cookie; the handler leaves the session alone
	Read      Op = "read"      // one field
	Change    Op = "change"    // one field, and save
	Create    Op = "create"    // a session for a visitor who has none
	Renew     Op = "renew"     // log-in: a new token, the old one dead, a field changed
	Together  Op = "parallel"  // ten requests on one session; all have read it before the first changes it
)

// Ops are all of them, in the order of the report.
var Ops = []Op{NoCookie, Untouched, Read, Change, Create, Renew, Together}

// Parallel is how many requests run at once in [Together].
const Parallel = 10

// What only the tests and Together ask for.
const opDump Op = "dump" // answer with what the session is

func opMark(i int) Op { return Op(fmt.Sprintf("mark%d", i)) }

var markKeys = func() (keys [Parallel]any) {
	for i := range keys {
		keys[i] = string(opMark(i))
	}
	return keys
}()

// mark says which mark an op leaves.
func (o Op) mark() (i int, ok bool) {
	n, _ := fmt.Sscanf(string(o), "mark%d", &i)
	return i, n == 1
}

// Site is a library with its store behind it.
type Site interface {
	// Client returns what sends requests that do op. It is for one goroutine.
	Client(Op) Client
	Close() error
}

// Client sends requests, one after the other, and reuses what it needs for
// that, so that it costs next to nothing itself.
type Client interface {
	Do(cookie string)
	Cookie() string // that the last response has set, as "name=value", "" if none
	Status() int    // of the last response
	Body() []byte   // of the last response, until the next
}

// gate holds requests back until all of them have come.
type gate struct {
	mu      sync.Mutex
	waiting int
	open    chan struct{}
}

func (g *gate) wait() {
	g.mu.Lock()
	if g.open == nil {
		g.open = make(chan struct{})
	}
	open := g.open
	if g.waiting++; g.waiting == Parallel {
		close(open)
		g.waiting, g.open = 0, nil
	}
	g.mu.Unlock()
	<-open
}

// SignIn creates a session and returns its cookie.
func SignIn(s Site) string {
	c := s.Client(Create)
	c.Do("")
	return c.Cookie()
}
