package documented

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/sesametest"
)

type Session struct{ Coupon string }

var sessions = sesame.New[Session]()

// The block.

func Test(t *testing.T) {
	cookie := sesametest.Cookie(t, sessions, Session{Coupon: "SPRING"})
	answers := make([]string, 20)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			r := httptest.NewRequest("POST", "/?coupon=SPRING", nil)
			r.AddCookie(cookie)
			w := httptest.NewRecorder()
			sessions.Handler(http.HandlerFunc(redeem)).ServeHTTP(w, r)
			answers[i] = w.Body.String()
		})
	}
	wg.Wait()
	if got := strings.Count(strings.Join(answers, ""), "true"); got != 1 {
		t.Errorf("%d requests got the coupon, want 1", got)
	}
}
