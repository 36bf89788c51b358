package browser_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
)

// thief has a copy of all cookies of a window, but not the key.
type thief struct {
	*site
	cookies []*http.Cookie
}

func (s *site) steal(b tab) thief {
	th := thief{site: s}
	for _, c := range b.cookies() {
		th.cookies = append(th.cookies, &http.Cookie{Name: c.Name, Value: c.Value})
	}
	require.Len(s.t, th.cookies, 2)
	return th
}

func (th thief) get(path string) (*http.Response, string) {
	r, err := http.NewRequest(http.MethodGet, th.direct+path, nil)
	require.NoError(th.t, err)
	for _, c := range th.cookies {
		r.AddCookie(c)
	}
	res, err := th.client.Do(r)
	require.NoError(th.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(th.t, err)
	return res, string(body)
}

// A thief can use copied cookies until the proof expires, here in real time. The
// session still works for its owner, even after the thief has tried to log out.
func TestThief(t *testing.T) {
	const lifetime = 6 * time.Second
	s := bound(t, sesame.WithDeviceBinding(sesame.WithProofLifetime(lifetime)))
	b := s.window()
	mallory := s.steal(b)
	stolen := time.Now()
	_, body := mallory.get("/count")
	require.Equal(t, "ann 1", body)
	for time.Since(stolen) < lifetime {
		time.Sleep(100 * time.Millisecond)
	}
	_, body = mallory.get("/count")
	require.Equal(t, " 1", body, "anonymous")
	res, body := mallory.get("/logout")
	require.Contains(t, body, "anonymous")
	require.Len(t, res.Cookies(), 2, "both of her cookies are deleted")
	require.Equal(t, "ann 2", b.fetch("/count", ""))
	require.Equal(t, "ann bound", b.visit(s.url))
}

// The sessions of a user are revoked while the browser has a proof, or while it has
// none.
func TestRevokeOwnerOfADevice(t *testing.T) {
	for _, expired := range []bool{false, true} {
		sessions := sesame.New[member](sesame.WithDeviceBinding())
		s := serve(t, members(sessions))
		b := s.window()
		n, err := sessions.RevokeOwner(t.Context(), "ann")
		require.NoError(t, err)
		require.Equal(t, 1, n)
		if expired {
			b.expire(s.url)
		}
		require.Equal(t, "anonymous none", b.visit(s.url))
		b.expire(s.url)
		require.Equal(t, "anonymous none", b.visit(s.url))
		s.forget()
		require.Equal(t, "anonymous none", b.visit(s.url))
		require.Equal(t, []string{"GET / 200"}, s.asked(), "the browser has dropped its key")
	}
}

// holding holds the first refresh back until release.
type holding struct {
	http.Handler
	once    atomic.Bool
	arrived chan struct{}
	release chan struct{}
}

func (h *holding) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/refresh") && h.once.CompareAndSwap(false, true) {
		close(h.arrived)
		select {
		case <-h.release:
		case <-r.Context().Done():
		}
	}
	h.Handler.ServeHTTP(w, r)
}

// The browser begins a refresh with the old token, and the renewal of the session is
// answered first. The browser keeps its key.
func TestRefreshCrossesARenewal(t *testing.T) {
	h := &holding{
		Handler: members(sesame.New[member](sesame.WithDeviceBinding(sesame.WithProofLifetime(time.Minute)))),
		arrived: make(chan struct{}), release: make(chan struct{}),
	}
	s := serve(t, h)
	b := s.window()
	require.Equal(t, "ann bound", b.visit(s.url)) // the proof is valid for two minutes or less, so it is refreshed after the answer
	receive(b, h.arrived)
	before := b.cookie(sessionCookie).Value
	b.fetch("/login/fetch", `{method: "POST"}`)
	b.await(func() bool { return b.cookie(sessionCookie).Value != before })
	s.forget()
	close(h.release)
	s.await(refresh + " 200")
	require.Contains(t, s.all()[0].header.Get("Cookie"), before)
	require.Equal(t, refresh+" 403", s.all()[0].String())
	b.expire(s.url)
	later(begun)
	require.Equal(t, "ann bound", b.visit(s.url))
}

// A browser that cannot prove its key logs in once more. It then has two keys, and
// goes on with that of the new session.
func TestLogInWhileStale(t *testing.T) {
	h := &refusing{Handler: members(sesame.New[member](sesame.WithDeviceBinding()))}
	s := serve(t, h)
	b := s.window()
	before := b.cookie(sessionCookie).Value
	require.Equal(t, "ann 1", b.fetch("/count", ""))
	b.expire(s.url)
	later(begun)
	h.status.Store(http.StatusServiceUnavailable)
	s.forget()
	require.Equal(t, "ann none", b.visit(s.url+"/login"))
	s.await(register + " 200")
	h.status.Store(0)
	require.NotEqual(t, before[:22], b.cookie(sessionCookie).Value[:22])
	require.Equal(t, "ann 1", b.fetch("/count", ""), "from zero")

	b.await(func() bool { return b.cookie(proofCookie) != nil })
	later(begun)
	for range 2 {
		b.expire(s.url)
		require.Equal(t, "ann bound", b.visit(s.url))
	}
}
