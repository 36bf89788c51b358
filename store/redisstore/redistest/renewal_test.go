package redistest

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/faultproxy"
)

// TestRenewalCut cuts the connection before and after the effect of each
// command of a renewal. Whichever it is, one session is left: the new one for a
// client that was given its cookie, otherwise the old one.
func TestRenewalCut(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := shared(t, "single")
		p := newProduct(t, a, at)
		proxy := p.network.proxy(at.addrs[0])
		p.ask("/renew", p.login("warm").token) // the server knows the scripts
		for after, cut := range map[bool]func(*faultproxy.Proxy, string, int) <-chan struct{}{
			false: (*faultproxy.Proxy).CutRequest,
			true:  (*faultproxy.Proxy).CutReply,
		} {
			sprang := 0
			for n := 1; n <= 6; n++ {
				t.Run(fmt.Sprintf("command=%d/after=%t", n, after), func(t *testing.T) {
					user := fmt.Sprintf("ann%d%t", n, after)
					b := p.login(user)
					old := b.token
					sprung := cut(proxy, "evalsha", n)
					a, err := p.ask("/renew", old)
					require.NoError(t, err)
					select {
					case <-sprung:
						sprang++
					default:
					}
					p.heal()
					ok := func(a answer) bool { return a.status == http.StatusOK }
					b.keep(a)
					if a.status == http.StatusOK {
						require.NotEqual(t, old, b.token)
						got := p.askUntil("/look", b.token, ok)
						require.Equal(t, answer{status: 200, user: user, n: 1, cookies: got.cookies}, got)
						require.Empty(t, p.askUntil("/look", old, ok).user, "the old token must be dead")
					} else {
						require.Equal(t, http.StatusServiceUnavailable, a.status)
						require.Empty(t, a.cookies)
						got := p.askUntil("/look", old, ok)
						require.Equal(t, answer{status: 200, user: user, n: 0, cookies: got.cookies}, got)
					}
					live := 0
					for _, err := range p.manager.OwnedBy(t.Context(), user) {
						require.NoError(t, err)
						live++
					}
					require.Equal(t, 1, live, "sessions")
				})
			}
			require.GreaterOrEqual(t, sprang, 4, "a renewal has four commands")
		}
	})
}
