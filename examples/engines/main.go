// Engines is the counter with its sessions in a database or on a server.
//
//	go run ./examples/engines -store sqlite:counter.sqlite
//	go run ./examples/engines -store redis://localhost:6379/0
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
type Session struct {
	Times int `sesame:"sum"` // concurrent requests add up
}

func count(sessions *sesame.Manager[Session]) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s := sessions.Get(r.Context())
		s.Times++
		fmt.Fprintf(w, "%d times!\n", s.Times)
	}
}

func main() {
	addr := flag.String("addr", "localhost:9090", "`address` to listen on")
	where := flag.String("store", "sqlite:counter.sqlite", "`where` sessions are kept, one of"+storeForms)
	flag.Parse()
	log.Fatal(run(*addr, *where))
}

func run(addr, where string) error {
	s, err := open(where)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%w; choose another address with -addr, such as -addr localhost:9091", err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	log.Printf("counting on http://localhost:%s/", port)

	sessions := sesame.New[Session](sesame.WithStore(s))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", count(sessions))
	return http.Serve(listener, sessions.Handler(mux))
}
