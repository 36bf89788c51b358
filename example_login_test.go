package sesame_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/sesame-go/sesame"
)

// Account is the session of a site where users log in.
type Account struct {
	User string // "" until they have
	Cart []string
}

// Owner says whose session it is, for OwnedBy and RevokeOwner.
func (a Account) Owner() string { return a.User }

var accounts = sesame.New[Account]()

func logIn(w http.ResponseWriter, r *http.Request) {
	// Here the password would be checked.
	ctx := r.Context()
	accounts.Renew(ctx) // a token that an attacker planted before is worth nothing now
	accounts.Get(ctx).User = r.FormValue("user")
	if r.FormValue("remember") != "" {
		accounts.Remember(ctx, 30*24*time.Hour, 180*24*time.Hour)
	}
	fmt.Fprintf(w, "hello, %s", accounts.Get(ctx).User)
}

func logOut(w http.ResponseWriter, r *http.Request) {
	accounts.Destroy(r.Context())
	fmt.Fprint(w, "goodbye")
}

func buy(w http.ResponseWriter, r *http.Request) {
	a := accounts.Get(r.Context())
	a.Cart = append(a.Cart, r.FormValue("item"))
	fmt.Fprintf(w, "%q: %s", a.User, strings.Join(a.Cart, ", "))
}

// Log in with Renew, log out with Destroy, and let the session outlive the
// browser with Remember. What was in the session before log-in is kept.
func Example_logIn() {
	mux := http.NewServeMux()
	mux.HandleFunc("/login", logIn)
	mux.HandleFunc("/logout", logOut)
	mux.HandleFunc("/buy", buy)
	site := accounts.Handler(mux)

	var cookie *http.Cookie // the browser's
	visit := func(target string) {
		r := httptest.NewRequest("POST", "https://shop.example"+target, nil)
		if cookie != nil {
			r.AddCookie(cookie)
		}
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		said := "nothing"
		for _, c := range w.Result().Cookies() {
			switch cookie = c; {
			case c.MaxAge < 0:
				said, cookie = "to delete it", nil
			case c.MaxAge > 0:
				said = fmt.Sprint("a new one for ", time.Duration(c.MaxAge)*time.Second)
			default:
				said = "a new one until the browser closes"
			}
		}
		fmt.Printf("%-30s %-18s cookie: %s\n", target, w.Body, said)
	}
	visit("/buy?item=tea")
	visit("/login?user=ann&remember=yes")
	visit("/buy?item=milk")
	visit("/logout")
	visit("/buy?item=bread")

	// Output:
	// /buy?item=tea                  "": tea            cookie: a new one until the browser closes
	// /login?user=ann&remember=yes   hello, ann         cookie: a new one for 720h0m0s
	// /buy?item=milk                 "ann": tea, milk   cookie: nothing
	// /logout                        goodbye            cookie: to delete it
	// /buy?item=bread                "": bread          cookie: a new one until the browser closes
}
