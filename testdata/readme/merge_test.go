package documented

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/sesametest"
)

// The block.

func Test(t *testing.T) {
	sessions := sesame.New[Session]()
	cookie := sesametest.Cookie(t, sessions, Session{Score: 1})
	visit := func(f func(*Session)) {
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(cookie)
		sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			f(sessions.Get(r.Context()))
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
	visit(func(slow *Session) {
		visit(func(fast *Session) { fast.Score, fast.Name = 9, "Ann" })
		slow.Score = 5
	})
	want := Session{Name: "Ann", Score: 9}
	if got, _ := sesametest.Session(t, sessions, cookie); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
