package inspect_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/inspect"
)

// Member is the session of a user.
type Member struct {
	User  string
	Staff bool
	CSRF  string `sesame:"secret"` // the page shows dots
}

// Owner says whose session it is.
func (m Member) Owner() string { return m.User }

var members = sesame.New[Member]()

// The page is below /inspect/, for members of staff. Others get 404 Not Found.
func ExampleHandler() {
	isStaff := func(r *http.Request) bool { return members.Get(r.Context()).Staff }

	mux := http.NewServeMux()
	mux.Handle("/inspect/", inspect.Handler(members, inspect.Allow(isStaff)))
	site := members.Handler(mux)

	visitor := httptest.NewRequest("GET", "https://shop.example/inspect/", nil)
	w := httptest.NewRecorder()
	site.ServeHTTP(w, visitor)
	fmt.Println(w.Code)
	// Output: 404
}

// Where operators log in elsewhere, Allow asks there, so that the page stays
// while the store of the sessions is down. Visitors are sent to the log-in.
func ExampleRefused() {
	isOperator := func(r *http.Request) bool { return r.Header.Get("X-Auth-Operator") != "" } // set by the proxy
	logIn := http.RedirectHandler("https://login.example/", http.StatusSeeOther)

	page := inspect.Handler(members, inspect.Allow(isOperator), inspect.Refused(logIn), inspect.KeepEvents(2000))

	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest("GET", "https://ops.example/", nil))
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output: 303 https://login.example/
}
