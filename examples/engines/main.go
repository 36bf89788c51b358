// Engines is the counter with its sessions in a database or on a server. Package
// engine, which it shares with the tool cmd/sesame, has how each is opened.
//
//	go run ./examples/engines -store sqlite:counter.sqlite
//	go run ./examples/engines -store redis://localhost:6379/0
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/cmd/sesame/engine"
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
	where := flag.String("store", "sqlite:counter.sqlite", "`where` sessions are kept, one of"+engine.Forms)
	flag.Parse()
	log.Fatal(run(*addr, *where))
}

func run(addr, where string) error {
	e, err := engine.Create(context.Background(), where, nil) // open until the process ends
	if err != nil {
		return fmt.Errorf("-store: %w", err)
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%w; choose another address with -addr, such as -addr localhost:9091", err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	log.Printf("counting on http://localhost:%s/", port)

	sessions := sesame.New[Session](sesame.WithStore(e.Store))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", count(sessions))
	return http.Serve(listener, sessions.Handler(mux))
}
