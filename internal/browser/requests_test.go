package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/memstore"
)

// counter is the first program of the README.
func counter() http.Handler {
	type session struct {
		Times int `sesame:"sum"`
	}
	sessions := sesame.New[session]()
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		s := sessions.Get(r.Context())
		s.Times++
		fmt.Fprintf(w, "%d times!\n", s.Times)
	})
	return sessions.Handler(mux)
}

// together holds requests with the query "together" until n of them have arrived.
func together(n int32, next http.Handler) http.Handler {
	var arrived atomic.Int32
	all := make(chan struct{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "together" {
			if arrived.Add(1) == n {
				close(all)
			}
			select {
			case <-all:
			case <-r.Context().Done():
			}
		}
		next.ServeHTTP(w, r)
	})
}

func TestParallelFetchesAllCount(t *testing.T) {
	server := httptest.NewUnstartedServer(together(100, counter()))
	server.EnableHTTP2 = true // with HTTP/1.1 a browser makes only six concurrent requests
	server.StartTLS()
	t.Cleanup(server.Close)

	b := newWindow(t)
	require.Equal(t, "1 times!", b.visit(server.URL))
	require.Len(t, b.cookies(), 1)
	statuses := eval[[]int](b, `Promise.all(Array.from({length: 100},
		() => fetch("/?together", {cache: "no-store"}).then(res => res.status)))`)
	require.Equal(t, slices.Repeat([]int{200}, 100), statuses)
	require.Equal(t, "102 times!", b.visit(server.URL))
}

// A user logs out in one tab while another tab waits for an answer. The handler of that
// request loaded the session before the log-out, and changes it afterwards.
func TestLogOutInAnotherTab(t *testing.T) {
	for _, clicksFirst := range []bool{false, true} {
		t.Run(fmt.Sprintf("clicks before the answer: %t", clicksFirst), func(t *testing.T) {
			engine := memstore.New()
			sessions := sesame.New[session](sesame.WithStore(engine))
			loaded, loggedOut := make(chan struct{}), make(chan struct{})
			late := make(chan http.Header, 1)
			mux := pages(sessions)
			mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
				s := sessions.Get(r.Context())
				close(loaded)
				select {
				case <-loggedOut:
				case <-t.Context().Done():
				}
				s.Note = "written late"
				fmt.Fprint(w, s.User)
			})
			site := sessions.Handler(mux)
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				site.ServeHTTP(w, r)
				if r.URL.Path == "/slow" {
					late <- w.Header()
				}
			}))
			t.Cleanup(server.Close)

			a := newWindow(t)
			require.Equal(t, "ann", a.visit(server.URL+"/login?user=ann"))
			b := a.another()
			require.Equal(t, "ann", b.visit(server.URL))
			eval[bool](a, `window.answer = fetch("/slow", {keepalive: true}).then(res => res.text()), true`)
			receive(a, loaded)
			require.Equal(t, "anonymous", b.visit(server.URL+"/logout"))
			if clicksFirst {
				require.Equal(t, "anonymous", a.click())
			}
			close(loggedOut)
			require.NotContains(t, receive(a, late), "Set-Cookie")
			if !clicksFirst {
				require.Equal(t, "ann", eval[string](a, "window.answer"))
			}
			for _, tab := range []tab{a, b} {
				require.Equal(t, "anonymous", tab.click())
				require.Empty(t, tab.cookies())
			}
			require.Zero(t, engine.Len())
		})
	}
}
