package sesametest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

type session struct {
	User string
	Cart map[string]int
}

func TestCookie(t *testing.T) {
	for name, opts := range map[string][]sesame.Option{
		"default":  nil,
		"insecure": {sesame.WithInsecureCookie()},
		"template": {sesame.WithCookie(http.Cookie{
			Name: "sid", Domain: "shop.example", Path: "/shop", SameSite: http.SameSiteStrictMode, Partitioned: true,
		})},
	} {
		t.Run(name, func(t *testing.T) {
			m := sesame.New[session](opts...)
			c := sesametest.Cookie(t, m, session{User: "ann", Cart: map[string]int{"tea": 2}})
			got, ok := sesametest.Session(t, m, c)
			if !ok || got.User != "ann" || got.Cart["tea"] != 2 {
				t.Errorf("got %+v, %t", got, ok)
			}
			other := sesametest.Cookie(t, m, session{User: "bob"})
			if other.Value == c.Value {
				t.Error("two sessions have one token")
			}
		})
	}
}

// TestHeader tests that with WithHeader a cookie stands for a header field.
func TestHeader(t *testing.T) {
	for _, field := range []string{"X-Session", "Authorization"} {
		m := sesame.New[session](sesame.WithHeader(field), sesame.WithUpgrade(2, func(old session1) session { return session{User: old.Name} }))
		for _, c := range []*http.Cookie{
			sesametest.Cookie(t, m, session{User: "ann"}),
			sesametest.OldCookie(t, m, 1, session1{"ann"}),
		} {
			if c.Name != field {
				t.Errorf("the name is %q, want that of the field, %s", c.Name, field)
			}
			if got, ok := sesametest.Session(t, m, c); !ok || got.User != "ann" {
				t.Errorf("got %+v, %t", got, ok)
			}

			r := httptest.NewRequest("GET", "https://example.com/", nil)
			r.Header.Set(c.Name, c.Value)
			w := httptest.NewRecorder()
			m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				m.Renew(r.Context())
				m.Get(r.Context()).User += "e"
			})).ServeHTTP(w, r)
			if got, ok := sesametest.Session(t, m, c); ok {
				t.Errorf("the token of before gets %+v", got)
			}
			c = &http.Cookie{Name: field, Value: w.Header().Get(field)}
			if got, ok := sesametest.Session(t, m, c); !ok || got.User != "anne" {
				t.Errorf("got %+v, %t", got, ok)
			}
			c.Name = "X-Other"
			if got, ok := sesametest.Session(t, m, c); ok {
				t.Errorf("another field gets %+v", got)
			}
		}
		if text := failure(t, func(t testing.TB) { sesametest.Cookie(t, m, session{}) }); !strings.Contains(text, "zero") {
			t.Error(text)
		}
	}
}

func TestToken(t *testing.T) {
	a, b := sesametest.Token(), sesametest.Token()
	m := sesame.New[session](sesame.WithSessions(map[string]session{a: {User: "ann"}, b: {User: "bob"}}))
	for token, user := range map[string]string{a: "ann", b: "bob"} {
		got, ok := sesametest.Session(t, m, &http.Cookie{Name: "__Host-Http-session_id", Value: token})
		if !ok || got.User != user {
			t.Errorf("got %+v, %t; want %s", got, ok, user)
		}
	}
}

// An older version of session.
type session1 struct{ Name string }

// TestOldCookie tests steps as a program would.
func TestOldCookie(t *testing.T) {
	m := sesame.New[session](sesame.WithUpgrade(2, func(old session1) session { return session{User: old.Name} }))
	c := sesametest.OldCookie(t, m, 1, session1{"ann"})
	if got, ok := sesametest.Session(t, m, c); !ok || got.User != "ann" {
		t.Errorf("got %+v, %t", got, ok)
	}
	c = sesametest.OldCookie(t, m, 2, session{User: "bob"})
	if got, ok := sesametest.Session(t, m, c); !ok || got.User != "bob" {
		t.Errorf("got %+v, %t", got, ok)
	}
	if text := failure(t, func(t testing.TB) { sesametest.OldCookie(t, m, 2, session1{"ann"}) }); !strings.Contains(text, "sessions of version 2 are of type sesametest_test.session, not sesametest_test.session1") {
		t.Error(text)
	}
	if text := failure(t, func(t testing.TB) { sesametest.OldCookie(t, m, 3, session{User: "ann"}) }); !strings.Contains(text, "no session is of version 3") {
		t.Error(text)
	}
}

func TestSessionOfStranger(t *testing.T) {
	m := sesame.New[session]()
	for _, c := range []*http.Cookie{
		nil,
		{Name: "__Host-Http-session_id", Value: sesametest.Token()},
		{Name: "__Host-Http-session_id", Value: "nonsense"},
		{Name: "other", Value: sesametest.Cookie(t, m, session{User: "ann"}).Value},
	} {
		if got, ok := sesametest.Session(t, m, c); ok || got.User != "" {
			t.Errorf("cookie %v: got %+v, %t; want none", c, got, ok)
		}
	}
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := sesame.New[session](sesame.WithIdleTimeout(time.Hour))
		c := sesametest.Cookie(t, m, session{User: "ann"})
		time.Sleep(59 * time.Minute)
		if _, ok := sesametest.Session(t, m, c); !ok {
			t.Error("the session ended before its hour")
		}
		time.Sleep(time.Hour)
		if _, ok := sesametest.Session(t, m, c); ok {
			t.Error("the session lives on after its hour")
		}
	})
}

func TestFailures(t *testing.T) {
	m := sesame.New[session](sesame.WithStore(brokenStore{memstore.New()}))
	good := sesame.New[session]()
	c := sesametest.Cookie(t, good, session{User: "ann"})
	for name, f := range map[string]func(testing.TB){
		"store unavailable":  func(t testing.TB) { sesametest.Cookie(t, m, session{User: "ann"}) },
		"store unavailable ": func(t testing.TB) { sesametest.Session(t, m, c) },
		"zero":               func(t testing.TB) { sesametest.Cookie(t, good, session{}) },
	} {
		if got := failure(t, f); !strings.Contains(got, strings.TrimSpace(name)) {
			t.Errorf("the test failed with %q, want %q in it", got, name)
		}
	}
}

func TestClient(t *testing.T) {
	m := sesame.New[session](sesame.WithCookie(http.Cookie{Domain: "example.com"}))
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		m.Renew(r.Context())
		m.Get(r.Context()).User = r.PostFormValue("user")
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %q", r.Host, m.Get(r.Context()).User)
	})
	ann := sesametest.NewClient(t, m.Handler(mux))
	bob := ann.Another()

	if resp, body := ann.Post("/login", url.Values{"user": {"ann"}}); resp.StatusCode != 200 || body != `example.com "ann"` {
		t.Errorf("got %d, %s", resp.StatusCode, body)
	}
	if _, body := bob.Get("/"); body != `example.com ""` {
		t.Errorf("another client got %s", body)
	}
	r, err := http.NewRequest(http.MethodPut, "https://www.example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, body := ann.Do(r); body != `www.example.com "ann"` {
		t.Errorf("a subdomain got %s", body)
	}
	if got := len(bob.Cookies("/")); got != 0 {
		t.Errorf("a stranger has %d cookies", got)
	}
	cookies := ann.Cookies("/")
	if len(cookies) != 1 {
		t.Fatalf("got %d cookies, want 1", len(cookies))
	}
	if got, ok := sesametest.Session(t, m, cookies[0]); !ok || got.User != "ann" {
		t.Errorf("got %+v, %t", got, ok)
	}
}

type brokenStore struct{ store.Store }

func (brokenStore) Load(context.Context, store.Key) (store.Record, error) {
	return store.Record{}, errors.New("out of order")
}

func (brokenStore) Save(context.Context, store.Key, store.Record) (uint64, error) {
	return 0, errors.New("out of order")
}

// failure returns the message with which f fails its test.
func failure(t *testing.T, f func(testing.TB)) string {
	tb := &recordingTB{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil && r != any(tb) {
				panic(r)
			}
		}()
		f(tb)
	}()
	<-done
	return tb.text
}

type recordingTB struct {
	testing.TB
	text string
}

func (tb *recordingTB) Helper() {}

func (tb *recordingTB) Fatalf(format string, args ...any) {
	tb.text = fmt.Sprintf(format, args...)
	panic(tb)
}

// sessions and cart stand for the program under test.
var sessions = sesame.New[session]()

func cart(w http.ResponseWriter, r *http.Request) {
	s := sessions.Get(r.Context())
	if s.Cart == nil {
		s.Cart = make(map[string]int)
	}
	s.Cart[r.FormValue("item")]++
	fmt.Fprint(w, "thank you")
}

// In your own test, t is its *testing.T.
var t testing.TB

func ExampleCookie() {
	// A user who is signed in already puts a tea into the cart.
	ann := sesametest.Cookie(t, sessions, session{User: "ann"})
	r := httptest.NewRequest("POST", "/cart?item=tea", nil)
	r.AddCookie(ann)
	w := httptest.NewRecorder()
	sessions.Handler(http.HandlerFunc(cart)).ServeHTTP(w, r)

	got, ok := sesametest.Session(t, sessions, ann)
	fmt.Println(w.Body, got, ok)
	// Output: thank you {ann map[tea:1]} true
}

func ExampleNewClient() {
	browser := sesametest.NewClient(t, sessions.Handler(http.HandlerFunc(cart)))
	browser.Get("/cart?item=tea")
	browser.Get("/cart?item=milk")

	got, ok := sesametest.Session(t, sessions, browser.Cookies("/")[0])
	fmt.Println(got.Cart, ok)
	// Output: map[milk:1 tea:1] true
}

// exampleTB stands for the t that examples do not have.
type exampleTB struct{ testing.TB }

func (exampleTB) Helper()                  {}
func (exampleTB) Cleanup(func())           {}
func (exampleTB) Context() context.Context { return context.Background() }
func (exampleTB) Fatal(args ...any)        { panic(fmt.Sprint(args...)) }

func (exampleTB) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func init() { t = exampleTB{} }
