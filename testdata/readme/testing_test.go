package documented

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/sesametest"
)

type Session struct {
	User string
	Cart map[string]int
}

var sessions = sesame.New[Session]()

var handler = sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
	s := sessions.Get(r.Context())
	if s.Cart == nil {
		s.Cart = make(map[string]int)
	}
	s.Cart[r.FormValue("item")]++
}))

// The block.
