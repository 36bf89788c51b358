package main

import (
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
)

const secret = "s3cret"

func TestStoreFlag(t *testing.T) {
	for _, bad := range []string{"", "memory:", "log:counter.db", "sqlite", "sqlite:", "floppy:a", "sesame:s3cret@tcp(localhost)/sesame"} {
		_, err := open(bad)
		if err == nil {
			t.Errorf("-store %q was accepted", bad)
			continue
		}
		if !strings.Contains(err.Error(), storeForms) {
			t.Errorf("-store %q: the error does not say what to write: %v", bad, err)
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("-store %q: the error has the password: %v", bad, err)
		}
	}
}

// servers are the engines that need one.
var servers = []string{"postgres", "mysql", "redis", "nats"}

// A URL that cannot be understood is refused, with the form that it should
// have and without what may be the password or a part of it.
func TestStoreFlagURL(t *testing.T) {
	for _, engine := range servers {
		for _, bad := range []string{
			"", ":", "://", ":sesame:s3cret@localhost/sesame",
			"://sesame:%s3cret@localhost/sesame",
			"://sesame:1/s3cret@localhost/sesame",
			"://sesame:1?s3cret@localhost/sesame",
			"://sesame:1#s3cret@localhost/sesame",
			"://sesame:s3cret/@localhost/sesame",
			"://sesame:1@/s3cret@localhost/sesame",
			"://sesame:s3cret@localhost:port/sesame",
		} {
			_, err := open(engine + bad)
			if err == nil {
				t.Errorf("-store %s%s was accepted", engine, bad)
				continue
			}
			if !strings.Contains(err.Error(), "this is no URL; say "+engine+"://user:password@localhost") {
				t.Errorf("-store %s%s: the error does not say what to write: %v", engine, bad, err)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("-store %s%s: the error has the password: %v", engine, bad, err)
			}
		}
	}
}

// A server that is not there, and one that accepts connections and then says
// nothing, end the program when it starts.
func TestStoreServerMissing(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the system accepts for it
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()

	var wg sync.WaitGroup
	for _, engine := range servers {
		for _, address := range []string{closed.Addr().String(), silent.Addr().String()} {
			u := url.URL{Scheme: engine, User: url.UserPassword("sesame", secret), Host: address, Path: "/0"}
			wg.Go(func() {
				_, err := open(u.String())
				if err == nil {
					t.Errorf("%s was opened", u.Redacted())
					return
				}
				for _, want := range []string{"-store " + engine + "://" + address + ": ", "see that the server runs"} {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%s: the error does not say %q: %v", u.Redacted(), want, err)
					}
				}
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s: the error has the password: %v", u.Redacted(), err)
				}
			})
		}
	}
	wg.Wait()
}

// A server that refuses the password ends the program when it starts, too.
func TestStoreWrongPassword(t *testing.T) {
	for _, engine := range servers {
		t.Run(engine, func(t *testing.T) {
			u, err := url.Parse(engines[engine](t))
			if err != nil {
				t.Fatal(err)
			}
			u.User = url.UserPassword("ann", secret)
			_, err = open(u.String())
			if err == nil {
				t.Fatal("the store was opened")
			}
			if !strings.Contains(err.Error(), "see that the server runs and that address, user, password") {
				t.Errorf("the error does not say what to do: %v", err)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error has the password: %v", err)
			}
		})
	}
}
