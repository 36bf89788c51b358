package redistest

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/testtools/faultproxy"
)

// TestRenewalCut cuts the connection before and after the effect of each command
// of a log-in. Whichever it is, one session is left: under the new token for a
// client that was given its cookie, otherwise under the old one. If the effect is
// there and only the answer was lost the client is given its cookie.
func TestRenewalCut(t *testing.T) {
	onEach(t, func(t *testing.T, a adapter) {
		at := shared(t, "single")
		p := newProduct(t, a, at)
		proxy := p.network.proxy(at.addrs[0])
		p.login("warm") // the server knows the scripts
		for after, cut := range map[bool]func(*faultproxy.Proxy, string, int) <-chan struct{}{
			false: (*faultproxy.Proxy).CutRequest,
			true:  (*faultproxy.Proxy).CutReply,
		} {
			for n, what := range []string{"the index", "the session"} {
				t.Run(fmt.Sprintf("%s/after=%t", what, after), func(t *testing.T) {
					user := fmt.Sprintf("ann%d%t", n, after)
					visit, err := p.ask("/add", "")
					require.NoError(t, err)
					require.Len(t, visit.cookies, 1)
					old := visit.cookies[0].Value
					sprung := cut(proxy, "evalsha", n+1)
					a, err := p.ask("/login?user="+user, old)
					require.NoError(t, err)
					<-sprung
					p.heal()
					ok := func(a answer) bool { return a.status == http.StatusOK }
					stored := after && what == "the session"
					if stored {
						require.Equal(t, http.StatusOK, a.status)
						require.Len(t, a.cookies, 1)
						got := p.askUntil("/look", a.cookies[0].Value, ok)
						require.Equal(t, answer{status: 200, user: user, n: 1, cookies: got.cookies}, got)
						require.Empty(t, p.askUntil("/look", old, ok).user, "the old token must be dead")
					} else {
						require.Equal(t, http.StatusServiceUnavailable, a.status)
						require.Empty(t, a.cookies)
						got := p.askUntil("/look", old, ok)
						require.Equal(t, answer{status: 200, user: "", n: 1, cookies: got.cookies}, got)
					}
					live := 0
					for _, err := range p.manager.OwnedBy(t.Context(), user) {
						require.NoError(t, err)
						live++
					}
					require.Equal(t, map[bool]int{true: 1, false: 0}[stored], live, "sessions")
				})
			}
		}
	})
}
