package redistest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/testtools/faultproxy"
	"github.com/sesame-go/sesame/store/redisstore"
)

// TestOutages disturbs the network between a web server and Redis, and looks
// at it with the eyes of browsers: each sees its own session or 503 without a
// cookie, and when the network is well again all are still logged in.
func TestOutages(t *testing.T) {
	outages := []struct {
		name  string
		total bool // no request can be answered
		start func(*faultproxy.Proxy)
	}{
		{"delay", false, func(p *faultproxy.Proxy) { p.Delay(20 * time.Millisecond) }},
		{"cut", false, func(p *faultproxy.Proxy) { p.Cut() }},
		{"refuse", true, func(p *faultproxy.Proxy) { p.Refuse(); p.Cut() }},
		{"black-hole", true, func(p *faultproxy.Proxy) { p.BlackHole(faultproxy.Both) }},
		{"black-hole-replies", true, func(p *faultproxy.Proxy) { p.BlackHole(faultproxy.ToClient) }},
		{"stall", true, func(p *faultproxy.Proxy) { p.Stall(faultproxy.ToServer) }},
		{"desync", false, (*faultproxy.Proxy).Desync},
		{"desync-across", false, (*faultproxy.Proxy).DesyncAcross},
	}
	onEach(t, func(t *testing.T, a adapter) {
		for _, outage := range outages {
			t.Run(outage.name, func(t *testing.T) {
				t.Parallel()
				p := newProduct(t, a, shared(t, "single"))
				c := p.gather(8, strings.HasPrefix(outage.name, "desync"))
				c.waitFor(&c.answered, 16)
				p.network.each(outage.start)
				if outage.total {
					c.waitFor(&c.refused, 8)
				} else {
					time.Sleep(300 * time.Millisecond) // of traffic
				}
				p.heal()
				c.waitFor(&c.answered, 16)
				c.stop()
				c.stillThere()
			})
		}
	})
}

// TestCutsUnderLoad cuts connections in the middle of messages.
func TestCutsUnderLoad(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		p := newProduct(t, a, shared(t, "single"))
		c := p.gather(8, false)
		for i := range 40 {
			if t.Failed() {
				break
			}
			p.network.each(func(p *faultproxy.Proxy) {
				select {
				case <-p.CutAfter([]faultproxy.Direction{faultproxy.ToServer, faultproxy.ToClient}[i%2], int64(200+37*i)):
				case <-time.After(respite):
					t.Error("there is no traffic to cut")
				}
			})
		}
		p.heal()
		c.waitFor(&c.answered, 16)
		c.stop()
		c.stillThere()
	})
}

// TestLogoutInTrouble logs out while requests or answers are lost. What was
// acknowledged to the browser is final, and what was not has happened or has
// not.
func TestLogoutInTrouble(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		p := newProduct(t, a, shared(t, "single"))
		proxy := p.network.proxy(shared(t, "single").addrs[0])
		for _, spoil := range []func(){
			func() { proxy.CutRequest("evalsha", 1) },
			func() { proxy.CutReply("evalsha", 1) },
			func() { proxy.BlackHole(faultproxy.ToClient) },
			func() { proxy.BlackHole(faultproxy.ToServer) },
			func() { proxy.Delay(50 * time.Millisecond) },
		} {
			b := p.login("ann")
			old := b.token
			spoil()
			a, err := p.ask("/logout", old)
			require.NoError(t, err)
			p.heal()
			if a.status == http.StatusOK {
				require.Len(t, a.cookies, 1)
				require.Negative(t, a.cookies[0].MaxAge)
			} else {
				require.Equal(t, http.StatusServiceUnavailable, a.status)
				require.Empty(t, a.cookies)
				p.askUntil("/logout", old, func(a answer) bool { return a.status == http.StatusOK })
			}
			for range 3 {
				a := p.askUntil("/count", old, func(a answer) bool { return a.status == http.StatusOK })
				require.Empty(t, a.user, "logged out")
			}
		}
	})
}

// TestLateEffect has a change arrive at the server long after it was given up,
// and after a log-out: the session stays dead.
func TestLateEffect(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := shared(t, "single")
		p := newProduct(t, a, at)
		b := p.login("ann")
		arrived, release := p.network.proxy(at.addrs[0]).Hold("evalsha", 1)
		changed := make(chan answer)
		go func() {
			a, _ := p.ask("/count", b.token)
			changed <- a
		}()
		<-arrived
		// Another process logs out at this time.
		other := redisstore.New(a.connect(t, at, nil), redisstore.WithPrefix(p.prefix))
		n, err := other.DeleteOwned(t.Context(), "ann")
		require.NoError(t, err)
		require.Equal(t, 1, n)
		release()
		<-changed
		got := p.askUntil("/look", b.token, func(a answer) bool { return a.status == http.StatusOK })
		require.Empty(t, got.user)
	})
}

// askUntil asks until an answer pleases.
func (p *product) askUntil(path, token string, pleases func(answer) bool) answer {
	p.t.Helper()
	deadline := time.Now().Add(respite)
	for {
		a, err := p.ask(path, token)
		if err == nil && pleases(a) {
			return a
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s: %v, %v", path, a, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
