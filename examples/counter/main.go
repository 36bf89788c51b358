// Counter tells each browser how many times it has been here.
//
//	go run ./examples/counter
//	go run ./examples/counter -store log:counter.db
//	go run ./examples/counter -bind
package main

import (
	"cmp"
	"context"
	"crypto/tls"
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

func count(sessions *sesame.Manager[Session], p place) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		s := sessions.Get(ctx)
		s.Times++
		sessions.Bind(ctx) // where users log in, Renew does this; without -bind it does nothing

		// Without this call the session is saved when the handler returns. The
		// page shows what is known only after the save: the name of a new
		// session, and the sum if concurrent requests have counted too.
		if err := sessions.Save(ctx); err != nil {
			log.Print(err)
			http.Error(w, "The visit could not be counted. Please try again.", http.StatusServiceUnavailable)
			return
		}
		info := sessions.Info(ctx)
		render(w, page{Times: s.Times, Session: info.ID, Device: info.Device, place: p})
	}
}

func handler(p place) http.Handler {
	options := []sesame.Option{sesame.WithStore(p.store)}
	if p.Bind {
		options = append(options, sesame.WithDeviceBinding())
	}
	sessions := sesame.New[Session](options...)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", count(sessions, p)) // the front page alone: browsers ask for /favicon.ico too
	mux.Handle("/inspect/", operatorsPage(sessions))
	return sessions.Handler(mux)
}

func main() {
	addr := flag.String("addr", "localhost:9090", "`address` to listen on")
	where := flag.String("store", "memory:", "`where` sessions are kept, one of"+storeForms)
	bind := flag.Bool("bind", false, "serve HTTPS and bind sessions to the browser's device")
	flag.Parse()
	if err := serve(*addr, *where, *bind); err != nil {
		log.Fatal(err)
	}
}

// run serves HTTP until the process is told to end.
func run(addr, where string) error { return serve(addr, where, false) }

func serve(addr, where string, bind bool) (err error) {
	p, err := open(where)
	if err != nil {
		return err
	}
	p.Bind = bind
	defer func() { err = errors.Join(err, p.close()) }()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%w; choose another address with -addr, such as -addr localhost:9091", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	server := &http.Server{Handler: handler(p)}
	ended := make(chan error, 1)
	scheme := "http"
	if bind {
		scheme = "https"
		c, pin, err := certificate()
		if err != nil {
			return err
		}
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{c}}
		go func() { ended <- server.ServeTLS(listener, "", "") }()
		log.Printf("counting on %s; open it by\n%s", site(scheme, addr, listener), command(pin, site(scheme, addr, listener)))
	} else {
		go func() { ended <- server.Serve(listener) }()
		log.Printf("counting on %s", site(scheme, addr, listener))
	}
	log.Printf("operator's page: %sinspect/ (any name, password %s)", site(scheme, addr, listener), password)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return server.Shutdown(ctx)
	}
}

// site returns the URL to open. Its host is the one that was asked for: to a
// browser localhost and 127.0.0.1 are two sites, with cookies of their own.
func site(scheme, addr string, listener net.Listener) string {
	host, _, _ := net.SplitHostPort(addr)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return scheme + "://" + net.JoinHostPort(cmp.Or(host, "localhost"), port) + "/"
}
