package sesame_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/memstore"
)

// Basket is the session of a shop's pages and of its app.
type Basket struct{ Items int }

// client is an app: it keeps the token that the API gives it, and sends it.
type client struct{ token string }

func (c *client) get(url string) string {
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		log.Fatal(err)
	}
	if c.token != "" {
		r.Header.Set("Authorization", c.token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		log.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		log.Fatal(err)
	}
	if values := resp.Header.Values("Authorization"); len(values) > 0 {
		c.token = values[0] // empty when the session has ended
	}
	return string(body)
}

// An API whose clients have the token in a header field, beside pages that have
// it in a cookie.
func Example_header() {
	engine := memstore.New()
	pages := sesame.New[Basket](sesame.WithStore(engine))
	apps := sesame.New[Basket](sesame.WithStore(engine), sesame.WithHeader("Authorization"))

	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "<p>%d in the basket", pages.Get(r.Context()).Items)
	})))
	mux.Handle("/api/add", apps.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := apps.Get(r.Context())
		s.Items++
		fmt.Fprintf(w, `{"items": %d}`, s.Items)
	})))
	mux.Handle("/api/logout", apps.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		apps.Destroy(r.Context())
	})))
	server := httptest.NewServer(mux)
	defer server.Close()

	var c client
	fmt.Println(c.get(server.URL + "/api/add"))
	fmt.Println(c.get(server.URL + "/api/add"))
	fmt.Println(len(c.token) > 0)
	c.get(server.URL + "/api/logout")
	fmt.Printf("%q\n", c.token)
	// Output:
	// {"items": 1}
	// {"items": 2}
	// true
	// ""
}
