package rueidis_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/redis/rueidis"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store/redisstore"
	sesamerueidis "github.com/sesame-go/sesame/store/redisstore/rueidis"
)

type Session struct{ Times int }

// The program makes the client, with the options of its choice, and closes it.
func Example() {
	addr := os.Getenv("SESAME_TEST_REDIS") // the tests' own server
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{addr}, // such as "localhost:6379"; several for a cluster
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	conn := sesamerueidis.New(client, sesamerueidis.WithCache(5*time.Second))
	sessions := sesame.New[Session](
		sesame.WithStore(redisstore.New(conn)),
		sesame.WithInsecureCookie(), // for this example, which does without TLS
	)
	handler := sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := sessions.Get(r.Context())
		s.Times++
		fmt.Fprintf(w, "%d times!", s.Times)
	}))

	var cookies []*http.Cookie
	for range 3 {
		r := httptest.NewRequest("GET", "/", nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if set := w.Result().Cookies(); len(set) > 0 {
			cookies = set
		}
		fmt.Println(w.Body)
	}
	// Output:
	// 1 times!
	// 2 times!
	// 3 times!
}
