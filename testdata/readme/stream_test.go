package documented

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/sesametest"
)

type Session struct{ User string }

var (
	sessions  = sesame.New[Session]()
	headlines = make(chan string)
)

// The block.

func Test(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/news", news)
	mux.HandleFunc("/logout", func(_ http.ResponseWriter, r *http.Request) { sessions.Destroy(r.Context()) })
	server := httptest.NewServer(sessions.Handler(mux))
	defer server.Close()
	cookie := sesametest.Cookie(t, sessions, Session{User: "ann"})
	get := func(path string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(cookie)
		resp, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	go func() { headlines <- "sesame opens" }()
	stream := get("/news")
	defer stream.Body.Close()
	lines := bufio.NewScanner(stream.Body)
	if !lines.Scan() || lines.Text() != "data: sesame opens" {
		t.Fatal(lines.Text())
	}
	get("/logout").Body.Close()
	for lines.Scan() { // to the end
	}
	if err := lines.Err(); err != nil {
		t.Error(err)
	}
}
