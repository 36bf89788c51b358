package documented

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/sesametest"
)

// The block.

func Test(t *testing.T) {
	sessions := sesame.New[Session]()
	cookie := sesametest.Cookie(t, sessions, Session{
		Visits: 7, Cart: map[string]int{"rum": 1}, Recent: []string{"a", "b"}, Tags: map[string][]string{"x": {"1"}}, Spent: 1,
	})
	visit := func(f func(*Session)) {
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(cookie)
		sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			f(sessions.Get(r.Context()))
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
	visit(func(slow *Session) {
		visit(func(fast *Session) {
			fast.Visits, fast.Recent, fast.Spent = 9, []string{"a", "b", "d"}, 3
			fast.Cart["tea"]++
			fast.Tags["x"] = []string{"1", "2"}
		})
		slow.Visits, slow.Recent, slow.Spent = 8, []string{"b", "c"}, 5
		slow.Cart["tea"]++
		slow.Tags["x"] = []string{"1", "3"}
	})
	want := Session{
		Visits: 10, Cart: map[string]int{"rum": 1, "tea": 2}, Recent: []string{"b", "d", "c"}, Tags: map[string][]string{"x": {"1", "2", "3"}}, Spent: 7,
	}
	if got, _ := sesametest.Session(t, sessions, cookie); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
