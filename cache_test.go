package sesame_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
)

// TestLateCacheHeaders: what a handler does to the header after it has written
// the status lets no cache store the response, and takes no cookie away, also
// under a writer that sends the header last.
func TestLateCacheHeaders(t *testing.T) {
	m := sesame.New[counter]()
	for name, late := range map[string]func(h http.Header){
		"nothing":        func(http.Header) {},
		"another header": func(h http.Header) { h.Set("X-Late", "1") },
		"deleted":        func(h http.Header) { h.Del("Set-Cookie"); h.Del("Cache-Control"); h.Del("Vary") },
		"set again":      func(h http.Header) { h.Set("CDN-Cache-Control", "max-age=7"); h.Set("Cache-Control", "public") },
	} {
		t.Run(name, func(t *testing.T) {
			h := http.TimeoutHandler(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h := w.Header()
				h.Set("CDN-Cache-Control", "max-age=3600")
				h.Set("Surrogate-Control", "max-age=3600")
				h.Set("Cache-Control", "public")
				h.Set("Vary", "Accept")
				http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
				m.Get(r.Context()).N++
				w.WriteHeader(200)
				late(h)
			})), time.Hour, "")
			res, err := send(t.Context(), start(t, "HTTP/1.1", h), "GET", "/", "")
			require.NoError(t, err)
			require.Len(t, res.Cookies(), 2)
			require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
			require.Equal(t, "Accept, Cookie", strings.Join(res.Header["Vary"], ", "))
			require.Empty(t, res.Header["Cdn-Cache-Control"])
			require.Empty(t, res.Header["Surrogate-Control"])
		})
	}
}

// TestStaleInfo: Info reads the session, too.
func TestStaleInfo(t *testing.T) {
	s := newStand(t)
	visit(s.m, s.token, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, long)
		fmt.Fprint(w, s.m.Info(r.Context()).Created)
		s.m.Get(r.Context())
	})
	require.Equal(t, 1, s.w.count(sesame.EventCacheable))
}
