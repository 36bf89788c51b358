package redistest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/testtools/faultproxy"
	"github.com/sesame-go/sesame/store/redisstore"
)

// visitor is the session of the product's tests.
type visitor struct {
	User string
	N    int
}

func (v *visitor) Owner() string { return v.User }

// A product is a web server with sessions in Redis, behind proxies.
type product struct {
	t       testing.TB
	network *network
	manager *sesame.Manager[visitor]
	server  *httptest.Server
	prefix  string
}

// respite is the longest time that a request may take during an outage.
const respite = 20 * time.Second

func newProduct(t testing.TB, a adapter, at site) *product { return openProduct(t, a, at, newPrefix()) }

// openProduct returns one that shares its sessions with others of its prefix.
func openProduct(t testing.TB, a adapter, at site, prefix string) *product {
	p := &product{t: t, network: newNetwork(t), prefix: prefix}
	p.manager = sesame.New[visitor](
		sesame.WithStore(redisstore.New(a.connect(t, at, p.network), redisstore.WithPrefix(p.prefix))), sesame.WithInsecureCookie(), sesame.WithStoreTimeout(2*time.Second),
		sesame.WithLogger(slog.New(slog.DiscardHandler)),
	)
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		s := p.manager.Get(r.Context())
		p.manager.Renew(r.Context())
		s.User = r.FormValue("user")
		fmt.Fprint(w, s.User, " ", s.N)
	})
	mux.HandleFunc("/count", func(w http.ResponseWriter, r *http.Request) {
		s := p.manager.Get(r.Context())
		if s.User != "" {
			s.N++
		}
		fmt.Fprint(w, s.User, " ", s.N)
	})
	mux.HandleFunc("/add", func(w http.ResponseWriter, r *http.Request) {
		s := p.manager.Get(r.Context())
		s.N++
		fmt.Fprint(w, s.User, " ", s.N)
	})
	mux.HandleFunc("/look", func(w http.ResponseWriter, r *http.Request) {
		s := p.manager.Get(r.Context())
		fmt.Fprint(w, s.User, " ", s.N)
	})
	mux.HandleFunc("/renew", func(w http.ResponseWriter, r *http.Request) {
		s := p.manager.Get(r.Context())
		if s.User != "" {
			p.manager.Renew(r.Context())
			s.N++
		}
		fmt.Fprint(w, s.User, " ", s.N)
	})
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) {
		p.manager.Destroy(r.Context())
		fmt.Fprint(w, "bye 0")
	})
	p.server = httptest.NewServer(p.manager.Handler(mux))
	t.Cleanup(p.server.Close)
	return p
}

// heal ends all faults of the network.
func (p *product) heal() { p.network.each((*faultproxy.Proxy).Heal) }

// An answer is what a browser was told.
type answer struct {
	status  int
	user    string
	n       int
	cookies []*http.Cookie
}

// ask sends a request with a token, if there is one.
func (p *product) ask(path, token string) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), respite)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", p.server.URL+path, nil)
	if err != nil {
		return answer{}, err
	}
	if token != "" {
		r.AddCookie(&http.Cookie{Name: "session_id", Value: token})
	}
	res, err := p.server.Client().Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	return read(res)
}

// handle is ask without a network between the browser and the server.
func (p *product) handle(path, token string) (answer, error) {
	r := httptest.NewRequest("GET", path, nil)
	if token != "" {
		r.AddCookie(&http.Cookie{Name: "session_id", Value: token})
	}
	w := httptest.NewRecorder()
	p.server.Config.Handler.ServeHTTP(w, r)
	return read(w.Result())
}

func read(res *http.Response) (answer, error) {
	body, err := io.ReadAll(res.Body)
	a := answer{status: res.StatusCode, cookies: res.Cookies()}
	if a.status == http.StatusOK && err == nil {
		i := strings.LastIndexByte(string(body), ' ')
		a.user = string(body[:i])
		_, err = fmt.Sscan(string(body[i:]), &a.n)
	}
	return a, err
}

// A browser keeps its cookie, and knows who it is.
type browser struct {
	*product
	user  string
	token string
	acked int // the last count it was told
	tried int // how often it has counted at most

	strangers bool // it may be logged out or behind for a moment: the connection is out of step
}

// login returns a browser that has logged in.
func (p *product) login(user string) *browser {
	p.t.Helper()
	b := &browser{product: p, user: user}
	a, err := p.ask("/login?user="+user, "")
	require.NoError(p.t, err)
	require.Equal(p.t, http.StatusOK, a.status)
	b.keep(a)
	require.NotEmpty(p.t, b.token)
	return b
}

func (b *browser) keep(a answer) {
	for _, c := range a.cookies {
		b.token = c.Value
		if c.MaxAge < 0 {
			b.token = ""
		}
	}
}

// visit counts, and returns what is wrong with the answer. During an outage it
// may be 503, and nothing else may.
func (b *browser) visit(path string) (ok bool, err error) {
	if path == "/count" {
		b.tried++
	}
	a, err := b.ask(path, b.token)
	switch {
	case err != nil:
		return false, fmt.Errorf("%s: no answer: %w", b.user, err)
	case a.status == http.StatusServiceUnavailable && len(a.cookies) == 0:
		return false, nil
	case a.status != http.StatusOK:
		return false, fmt.Errorf("%s: status %d with %d cookies", b.user, a.status, len(a.cookies))
	case b.strangers && a.user == "" && len(a.cookies) == 0:
		return false, nil
	case a.user != b.user:
		return false, fmt.Errorf("%s is %q now", b.user, a.user)
	case len(a.cookies) > 0:
		return false, fmt.Errorf("%s was given another cookie", b.user)
	case b.strangers && a.n < b.acked:
		// It was handed its own session as it was a moment ago, see TestDesync.
		if path == "/count" {
			b.acked = a.n // counted on from there, and its value was kept
		}
		return false, nil
	case a.n < b.acked || a.n > b.tried:
		return false, fmt.Errorf("%s has counted to %d, acknowledged were %d, asked for %d", b.user, a.n, b.acked, b.tried)
	}
	b.acked = a.n
	return true, nil
}

// A crowd is browsers that visit all the time.
type crowd struct {
	*product
	browsers []*browser
	answered atomic.Int64 // with 200
	refused  atomic.Int64 // with 503
	stop     func()
}

// gather logs in n users and lets them visit. The crowd's stop, which is also
// called at the end, fails the test if one was answered wrongly. With strangers
// they may also find themselves logged out for a moment, as when the reply to
// another user's question is "nothing", or back where they were before.
func (p *product) gather(n int, strangers bool) *crowd {
	p.t.Helper()
	c := &crowd{product: p}
	for i := range n {
		b := p.login(fmt.Sprintf("user%d", i))
		b.strangers = strangers
		c.browsers = append(c.browsers, b)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, b := range c.browsers {
		running.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				ok, err := b.visit([]string{"/count", "/look"}[i%2])
				if err != nil {
					p.t.Error(err)
					return
				}
				if ok {
					c.answered.Add(1)
				} else {
					c.refused.Add(1)
				}
			}
		})
	}
	c.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	p.t.Cleanup(c.stop)
	return c
}

// waitFor waits until a counter has grown by n.
func (c *crowd) waitFor(what *atomic.Int64, n int64) {
	c.t.Helper()
	deadline := time.Now().Add(respite)
	for want := what.Load() + n; what.Load() < want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.stop()
			c.t.Fatalf("not %d more of those answers within %v", n, respite)
		}
	}
}

// stillThere checks that all are still logged in.
func (c *crowd) stillThere() {
	c.t.Helper()
	for _, b := range c.browsers {
		b.strangers = false
		eventually(c.t, respite, func(context.Context) error {
			ok, err := b.visit("/count")
			if err == nil && !ok {
				err = fmt.Errorf("%s: 503", b.user)
			}
			return err
		})
	}
}
