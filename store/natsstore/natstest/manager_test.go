package natstest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
)

type visit struct {
	Times int `sesame:"sum"`
	User  string
}

func (v visit) Owner() string { return v.User }

// TestManagerLogIn logs in by requests, while others of the same visitor keep
// changing the session.
func TestManagerLogIn(t *testing.T) {
	t.Parallel()
	srv := start(t, options(t.TempDir()))
	for _, n := range []int{1, 2, 4} {
		t.Run(fmt.Sprintf("savers=%d", n), func(t *testing.T) {
			s, done, err := savers{URL: srv.ClientURL(), Bucket: bucket(), Delay: time.Millisecond}.open()
			require.NoError(t, err)
			defer done()
			m := sesame.New[visit](sesame.WithStore(s))
			mux := http.NewServeMux()
			mux.HandleFunc("/visit", func(w http.ResponseWriter, r *http.Request) { m.Get(r.Context()).Times++ })
			mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
				m.Renew(r.Context())
				m.Get(r.Context()).User = "ann"
			})
			h := m.Handler(mux)
			get := func(path string, with []*http.Cookie) *http.Response {
				r := httptest.NewRequest(http.MethodGet, "https://example.com"+path, nil)
				for _, c := range with {
					r.AddCookie(c)
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				return w.Result()
			}
			const logIns = 30
			for range logIns {
				visitor := get("/visit", nil).Cookies()
				require.Len(t, visitor, 1)
				var over atomic.Bool
				var visits atomic.Int32
				var wg sync.WaitGroup
				for range n {
					wg.Go(func() {
						for !over.Load() {
							assert.Equal(t, http.StatusOK, get("/visit", visitor).StatusCode)
							visits.Add(1)
						}
					})
				}
				for visits.Load() < 5 {
					time.Sleep(time.Millisecond)
				}
				answer := get("/login", visitor)
				over.Store(true)
				wg.Wait()
				require.Equal(t, http.StatusOK, answer.StatusCode)
				require.Len(t, answer.Cookies(), 1)
				require.Equal(t, http.StatusOK, get("/visit", answer.Cookies()).StatusCode)
			}
			ended, err := m.RevokeOwner(t.Context(), "ann")
			require.NoError(t, err)
			require.Equal(t, logIns, ended)
		})
	}
}
