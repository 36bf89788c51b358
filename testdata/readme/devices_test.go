package documented

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/sesametest"
)

type Session struct{ User string }

var sessions = sesame.New[Session]()

// The block.

func Test(t *testing.T) {
	held := make(map[string]int)
	for range 3 {
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(sesametest.Cookie(t, sessions, Session{User: "ann"}))
		sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			held[sessions.Info(r.Context()).ID] = 1
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
	var gone string
	for gone = range held {
		break
	}
	if err := sessions.Revoke(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	if err := giveBack(t.Context(), held); err != nil {
		t.Fatal(err)
	}
	if _, there := held[gone]; there || len(held) != 2 {
		t.Errorf("still held: %v", held)
	}
}
