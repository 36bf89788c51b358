// Counter tells each browser how many times it has been here.
//
//	go run ./examples/counter
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/sesame-go/sesame"
)

// Session is what is known of a browser.
type Session struct{ Times int }

var sessions = sesame.New[Session]()

func count(w http.ResponseWriter, r *http.Request) {
	s := sessions.Get(r.Context())
	s.Times++
	fmt.Fprintf(w, "%d times!\n", s.Times)
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", count) // the front page alone: browsers ask for /favicon.ico too
	return sessions.Handler(mux)
}

func main() {
	addr := flag.String("addr", "localhost:9090", "`address` to listen on")
	flag.Parse()
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("counting on http://%s/", listener.Addr())
	log.Fatal(http.Serve(listener, handler()))
}
