package documented

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/inspect"
)

type Session struct{ User string }

func Test(t *testing.T) {
	sessions := sesame.New[Session]()
	mux := http.NewServeMux()
	isOperator := func(r *http.Request) bool { return r.Header.Get("Operator") == "yes" }
	// The block.

	for operator, want := range map[string]int{"yes": http.StatusOK, "no": http.StatusNotFound} {
		r := httptest.NewRequest("GET", "/inspect/", nil)
		r.Header.Set("Operator", operator)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != want || strings.Contains(w.Body.String(), "sessions now") != (want == http.StatusOK) {
			t.Errorf("operator: %s, got %d", operator, w.Code)
		}
	}
}
