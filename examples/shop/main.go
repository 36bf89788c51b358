// Shop is a small shop that shows what people expect of a log-in: a cart that
// stays, a page of one's devices, "keep me signed in", a password that is asked
// for again where much is at stake, a log-in by another site, and streams that
// end with the session.
//
//	go run ./examples/shop
//	go run ./examples/shop -store redis://localhost:6379/0
//
// The users are ann, whose password is apple, bob, whose is banana, and carol,
// whose is cherry and who administers the shop. docs/DEVICES.md explains the
// recipes, one after another.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
)

func main() {
	var c config
	flag.StringVar(&c.addr, "addr", "localhost:9090", "`address` to listen on")
	flag.StringVar(&c.site, "site", "", "`URL` of the shop, if it is not http:// and the address")
	flag.StringVar(&c.store, "store", "memory:", "`where` sessions are kept, one of"+storeForms)
	flag.StringVar(&c.issuer, "issuer", "", "`URL` of an OpenID provider for log-ins; CLIENT_SECRET in the environment has the secret")
	flag.StringVar(&c.client, "client", "shop", "the shop's `ID` at the provider")
	flag.Parse()
	c.secret = os.Getenv("CLIENT_SECRET")
	log.Fatal(run(context.Background(), c, demoAccounts()))
}

type config struct {
	addr, site, store      string
	issuer, client, secret string
}

func run(ctx context.Context, c config, users *accounts) error {
	sessions, err := open(ctx, c.store)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		return fmt.Errorf("%w; choose another address with -addr, such as -addr localhost:9091", err)
	}
	host, _, _ := net.SplitHostPort(c.addr)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	site := cmp.Or(c.site, "http://"+net.JoinHostPort(cmp.Or(host, "localhost"), port))

	s := newShop(sessions, users)
	if c.issuer != "" {
		if s.provider, err = newProvider(ctx, c.issuer, c.client, c.secret, site); err != nil {
			return err
		}
	}
	log.Printf("serving %s/", site)
	return http.Serve(listener, s.handler())
}
