package engine_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sesame-go/sesame/cmd/sesame/engine"
	"github.com/sesame-go/sesame/cmd/sesame/engine/enginetest"
	"github.com/sesame-go/sesame/store"
)

const secret = "s3cret"

func TestAddress(t *testing.T) {
	for _, bad := range []string{"", "memory:", "log:", "dir", "sqlite", "sqlite:", "floppy:a", "sesame:s3cret@tcp(localhost)/sesame"} {
		_, err := engine.Create(t.Context(), bad, nil)
		if err == nil {
			t.Errorf("%q was accepted", bad)
			continue
		}
		if !strings.Contains(err.Error(), engine.Forms) {
			t.Errorf("%q: the error does not say what to write: %v", bad, err)
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q: the error has the password: %v", bad, err)
		}
	}
}

// servers are the engines that need one.
var servers = []string{"postgres", "mysql", "redis", "nats"}

// A URL that cannot be understood is refused, with the form that it should
// have and without what may be the password or a part of it.
func TestAddressOfServer(t *testing.T) {
	for _, kind := range servers {
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
			_, err := engine.Create(t.Context(), kind+bad, nil)
			if err == nil {
				t.Errorf("%s%s was accepted", kind, bad)
				continue
			}
			if !strings.Contains(err.Error(), "this is no URL; say "+kind+"://user:password@localhost") {
				t.Errorf("%s%s: the error does not say what to write: %v", kind, bad, err)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s%s: the error has the password: %v", kind, bad, err)
			}
		}
	}
}

// A server that is not there, and one that accepts connections and then says
// nothing, are told.
func TestServerMissing(t *testing.T) {
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
	for _, kind := range servers {
		for _, address := range []string{closed.Addr().String(), silent.Addr().String()} {
			u := url.URL{Scheme: kind, User: url.UserPassword("sesame", secret), Host: address, Path: "/0"}
			wg.Go(func() {
				_, err := engine.Create(t.Context(), u.String(), nil)
				if err == nil {
					t.Errorf("%s was opened", u.Redacted())
					return
				}
				for _, want := range []string{kind + "://" + address + ": ", "see that the server runs"} {
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

// A server that refuses the password is told, too.
func TestWrongPassword(t *testing.T) {
	for _, kind := range servers {
		t.Run(kind, func(t *testing.T) {
			u, err := url.Parse(enginetest.Shared[kind](t))
			if err != nil {
				t.Fatal(err)
			}
			u.User = url.UserPassword("ann", secret)
			_, err = engine.Create(t.Context(), u.String(), nil)
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

// Open creates nothing, and says what is missing; Create makes it.
func TestOpenCreatesNothing(t *testing.T) {
	places := map[string]func(testing.TB) string{
		"log": func(t testing.TB) string { return "log:" + filepath.Join(t.TempDir(), "sessions.db") },
		"dir": func(t testing.TB) string { return "dir:" + filepath.Join(t.TempDir(), "sessions") },
	}
	maps.Copy(places, enginetest.Shared)
	delete(places, "redis") // has nothing to create
	for kind, place := range places {
		t.Run(kind, func(t *testing.T) {
			address := place(t)
			for range 2 {
				_, err := engine.Open(t.Context(), address, nil)
				if err == nil || !strings.Contains(err.Error(), "there is no ") {
					t.Fatalf("the error does not say that there is nothing: %v", err)
				}
			}
			for _, open := range []func(context.Context, string, *slog.Logger) (*engine.Engine, error){engine.Create, engine.Open} {
				e, err := open(t.Context(), address, nil)
				if err != nil {
					t.Fatal(err)
				}
				if e.Kind != kind || strings.Contains(e.Place, "@") {
					t.Errorf("kind %s, place %s", e.Kind, e.Place)
				}
				if err := e.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// A table, a prefix or a bucket with another name holds other sessions.
func TestName(t *testing.T) {
	for kind, place := range enginetest.Shared {
		t.Run(kind, func(t *testing.T) {
			address, name := place(t), map[string]string{"redis": "prefix", "nats": "bucket"}[kind]
			if name == "" {
				name = "table"
			}
			mark := "?"
			if strings.Contains(address, "?") {
				mark = "&"
			}
			other := address + mark + name + "=other_" + rand.Text()
			if kind == "redis" {
				other = enginetest.Redis(t)
			}
			_, err := engine.Create(t.Context(), other+"*!", nil)
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("a bad name: %v", err)
			}
			one, err := engine.Create(t.Context(), address, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer one.Close()
			two, err := engine.Create(t.Context(), other, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer two.Close()
			record := store.Record{Expires: time.Now().Add(time.Hour), Data: []byte("data")}
			if _, err := one.Store.Save(t.Context(), store.Key{1}, record); err != nil {
				t.Fatal(err)
			}
			if _, err := two.Store.Load(t.Context(), store.Key{1}); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("the other name has the session: %v", err)
			}
			if _, err := one.Store.Load(t.Context(), store.Key{1}); err != nil {
				t.Error(err)
			}
		})
	}
}

// Any node of a cluster leads to all of it.
func TestCluster(t *testing.T) {
	e, err := engine.Open(t.Context(), enginetest.RedisCluster(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	const n = 100
	for i := range n {
		r := store.Record{Expires: time.Now().Add(time.Hour), Data: []byte("data")}
		if _, err := e.Store.Save(t.Context(), store.Key{byte(i)}, r); err != nil {
			t.Fatal(err)
		}
	}
	seen := make(map[store.Key]bool)
	for k, err := range e.Keys(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		seen[k] = true
	}
	if len(seen) != n {
		t.Errorf("%d keys, want %d", len(seen), n)
	}
}

// A second process on a log is told what to do, and that its address is well.
func TestLocked(t *testing.T) {
	address := "log:" + filepath.Join(t.TempDir(), "sessions.db")
	e, err := engine.Create(t.Context(), address, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	_, err = engine.Open(t.Context(), address, nil)
	if err == nil || !strings.Contains(err.Error(), "a running program has the file open") || !strings.Contains(err.Error(), "cp ") {
		t.Errorf("the error does not say what to do: %v", err)
	}
}
