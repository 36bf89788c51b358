package sesame_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"

	"github.com/sesame-go/sesame"
)

// Session is what is known of a browser: any struct will do.
type Session struct {
	Times int `sesame:"sum"` // concurrent requests add up
}

var sessions = sesame.New[Session]()

func count(w http.ResponseWriter, r *http.Request) {
	s := sessions.Get(r.Context())
	s.Times++
	fmt.Fprintf(w, "%d times!\n", s.Times)
}

// A whole program: each browser learns how many times it has been here. There
// is no call that saves the session. It changed, so it is saved.
func Example() {
	server := httptest.NewTLSServer(sessions.Handler(http.HandlerFunc(count)))
	defer server.Close()

	browser := server.Client()
	browser.Jar, _ = cookiejar.New(nil)
	for range 3 {
		resp, err := browser.Get(server.URL)
		if err != nil {
			fmt.Println(err)
			return
		}
		_, _ = io.Copy(os.Stdout, resp.Body)
		resp.Body.Close()
	}

	// Output:
	// 1 times!
	// 2 times!
	// 3 times!
}
