package sesame_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/sesame-go/sesame"
)

// Shopper is the session of the shop's visitors.
type Shopper struct{ Cart []string }

// Clerk is the session of an employee.
type Clerk struct{ Name string }

var (
	shoppers = sesame.New[Shopper]()

	// Another cookie, for a part of the site, and shorter limits.
	clerks = sesame.New[Clerk](
		sesame.WithCookie(http.Cookie{Name: "clerk_id", Path: "/office", SameSite: http.SameSiteStrictMode}),
		sesame.WithIdleTimeout(10*time.Minute),
		sesame.WithLifetime(8*time.Hour),
	)
)

func storefront(w http.ResponseWriter, r *http.Request) {
	s := shoppers.Get(r.Context())
	s.Cart = append(s.Cart, "tea")
	fmt.Fprintf(w, "%d in the cart", len(s.Cart))
}

// office has both: the clerk's own session and, if they shop here, that.
func office(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	clerks.Get(ctx).Name = "Ann"
	fmt.Fprintf(w, "%s, with %d in the cart", clerks.Get(ctx).Name, len(shoppers.Get(ctx).Cart))
}

// Two managers in one program: of two types here, but two of one type do as well.
func Example_managers() {
	mux := http.NewServeMux()
	mux.HandleFunc("/", storefront)
	mux.Handle("/office/", clerks.Handler(http.HandlerFunc(office)))
	site := shoppers.Handler(mux)

	var cookies []*http.Cookie
	for _, path := range []string{"/", "/office/"} {
		r := httptest.NewRequest("GET", "https://shop.example"+path, nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		fmt.Println(w.Body)
		for _, c := range w.Result().Cookies() {
			fmt.Printf("\tcookie %s, path %s\n", c.Name, c.Path)
			cookies = append(cookies, c)
		}
	}

	// Output:
	// 1 in the cart
	// 	cookie __Host-Http-session_id, path /
	// Ann, with 1 in the cart
	// 	cookie clerk_id, path /office
}
