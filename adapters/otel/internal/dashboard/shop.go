package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"sync"
	"time"

	"github.com/sesame-go/sesame"
)

type session struct {
	User string
	Cart []string `sesame:"items"`
	Page string
}

// Owner says whose session it is.
func (s session) Owner() string { return s.User }

func shop(sessions *sesame.Manager[session]) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, len(sessions.Get(r.Context()).Cart), " in the cart")
	})
	mux.HandleFunc("/cart", func(_ http.ResponseWriter, r *http.Request) {
		s := sessions.Get(r.Context())
		s.Cart = append(s.Cart[max(0, len(s.Cart)-4):], r.FormValue("item"))
		if page := r.FormValue("page"); page != "" {
			s.Page = page
		}
	})
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		sessions.Renew(r.Context())
		sessions.Get(r.Context()).User = r.FormValue("user")
	})
	mux.HandleFunc("/logout", func(_ http.ResponseWriter, r *http.Request) { sessions.Destroy(r.Context()) })
	mux.HandleFunc("/elsewhere", func(w http.ResponseWriter, r *http.Request) {
		user, id := sessions.Get(r.Context()).User, sessions.Info(r.Context()).ID
		if n, err := sessions.RevokeOwner(r.Context(), user, id); err == nil && user != "" {
			fmt.Fprint(w, n, " signed out")
		}
	})
	return sessions.Handler(mux)
}

// visitor is one who comes again and again, each time with a new browser.
type visitor struct {
	transport http.RoundTripper
	url       string
	n         int
}

// visit is one visit. Its end is by chance: the visitor logs out, forgets to, or
// signs out the sessions of before.
func (v visitor) visit(ctx context.Context) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it has no other error than a bad list of suffixes
	}
	browser := &http.Client{Transport: v.transport, Jar: jar}
	get := func(path string) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url+path, nil)
		if err != nil {
			panic(err)
		}
		resp, err := browser.Do(r)
		if err != nil {
			return // the run is over
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	pause := func() {
		select {
		case <-time.After(time.Duration(rand.ExpFloat64() * float64(100*time.Millisecond))):
		case <-ctx.Done():
		}
	}
	get("/cart?item=tea&page=0")
	for i := range 5 + rand.IntN(20) {
		pause()
		switch rand.IntN(12) {
		case 0, 1:
			get(fmt.Sprintf("/cart?item=milk&page=%d", i))
		case 2: // two tabs at once
			var tabs sync.WaitGroup
			for range 2 {
				tabs.Go(func() { get("/cart?item=milk" + []string{"", "&page=2"}[rand.IntN(4)/3]) })
			}
			tabs.Wait()
		case 3:
			get(fmt.Sprintf("/login?user=user%d", v.n))
		default:
			get("/page")
		}
	}
	switch rand.IntN(10) {
	case 0, 1, 2, 3:
		get("/logout")
	case 4:
		get(fmt.Sprintf("/login?user=user%d", v.n))
		get("/elsewhere")
	case 5: // one who comes back with the cookie of a session that has ended
		old := *browser
		kept, _ := cookiejar.New(nil)
		if r, err := http.NewRequest(http.MethodGet, v.url+"/", nil); err == nil {
			kept.SetCookies(r.URL, jar.Cookies(r.URL))
		}
		get("/logout")
		browser, old.Jar = &old, kept
		get("/page")
	}
}
