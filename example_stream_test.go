package sesame_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/sesame-go/sesame"
)

// Download is the session of a user who fetches reports.
type Download struct{ Started, Finished int }

var downloads = sesame.New[Download]()

// report streams: its first byte leaves long before its last. What the client
// must be told of, such as the cookie of a new session, is settled before.
func report(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	d := downloads.Get(ctx)
	d.Started++
	if err := downloads.Save(ctx); err != nil {
		http.Error(w, "The report cannot be had now.", http.StatusServiceUnavailable)
		return
	}
	flusher := http.NewResponseController(w)
	for line := range 3 {
		fmt.Fprintf(w, "line %d\n", line+1)
		if err := flusher.Flush(); err != nil {
			return
		}
	}
	d.Finished++ // saved when the handler returns
}

// Save the session before a stream: if that fails the handler can still answer
// with an error of its own. Without the call it would be saved before the first
// byte just the same, and the manager's error handler would answer.
func Example_stream() {
	mux := http.NewServeMux()
	mux.HandleFunc("/report", report)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%+v", *downloads.Get(r.Context()))
	})
	server := httptest.NewTLSServer(downloads.Handler(mux))
	defer server.Close()

	resp, err := server.Client().Get(server.URL + "/report")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		fmt.Println(lines.Text())
	}

	again, err := http.NewRequest("GET", server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	again.AddCookie(resp.Cookies()[0])
	resp, err = server.Client().Do(again)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		fmt.Println(lines.Text())
	}

	// Output:
	// line 1
	// line 2
	// line 3
	// {Started:1 Finished:1}
}
