package sesame_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/sesame-go/sesame"
)

// Customer is the session of a bank's customer.
type Customer struct{ Name string }

// Owner says that a log-in offers the session to the device.
func (c *Customer) Owner() string { return c.Name }

var customers = sesame.New[Customer](sesame.WithDeviceBinding())

// transfer is for browsers that bind their sessions, and no others.
func transfer(w http.ResponseWriter, r *http.Request) {
	if customers.Info(r.Context()).Device != sesame.DeviceBound {
		http.Error(w, "Please use a browser that binds sessions to its device.", http.StatusForbidden)
		return
	}
	fmt.Fprintln(w, "transferred for", customers.Get(r.Context()).Name)
}

// newPassword asks for a signature at this very moment.
func newPassword(w http.ResponseWriter, r *http.Request) {
	if !customers.Prove(w, r) {
		return
	}
	fmt.Fprintln(w, "changed for", customers.Get(r.Context()).Name)
}

// Bind sessions to the device that the user logged in with. A browser that
// cannot, as the one here, notices nothing.
func Example_deviceBinding() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(_ http.ResponseWriter, r *http.Request) {
		customers.Renew(r.Context())
		customers.Get(r.Context()).Name = r.FormValue("user")
	})
	mux.HandleFunc("POST /transfer", transfer)
	mux.HandleFunc("POST /password", newPassword)
	site := customers.Handler(mux)

	var cookies []*http.Cookie
	for _, target := range []string{"/login?user=ann", "/password", "/transfer"} {
		r := httptest.NewRequest("POST", "https://bank.example"+target, nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		cookies = append(cookies, w.Result().Cookies()...)
		offered := w.Header().Get("Secure-Session-Registration") != ""
		fmt.Printf("%s: %d, offered to the device: %t\n%s", target, w.Code, offered, w.Body)
	}

	// Output:
	// /login?user=ann: 200, offered to the device: true
	// /password: 200, offered to the device: false
	// changed for ann
	// /transfer: 403, offered to the device: false
	// Please use a browser that binds sessions to its device.
}
