// Counter tells each browser how many times it has been here.
//
//	go run ./examples/counter
//	go run ./examples/counter -store log:counter.db
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

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

func handler(sessions *sesame.Manager[Session]) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", count(sessions)) // the front page alone: browsers ask for /favicon.ico too
	return sessions.Handler(mux)
}

func main() {
	addr := flag.String("addr", "localhost:9090", "`address` to listen on")
	where := flag.String("store", "memory:", storeUsage)
	flag.Parse()
	if err := run(*addr, *where); err != nil {
		log.Fatal(err)
	}
}

// run serves until the process is told to end.
func run(addr, where string) (err error) {
	s, closeStore, err := open(where)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	server := &http.Server{Handler: handler(sesame.New[Session](sesame.WithStore(s)))}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	log.Printf("counting on http://%s/", listener.Addr())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return server.Shutdown(ctx)
	}
}
