package documented

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/sesametest"
)

// The block.

func authenticate(r *http.Request) (user string, ok bool) {
	return r.FormValue("user"), r.FormValue("password") == "secret"
}

func Test(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", logIn)
	mux.HandleFunc("POST /logout", logOut)
	mux.HandleFunc("POST /elsewhere", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		n, err := accounts.RevokeOwner(ctx, accounts.Get(ctx).User, accounts.Info(ctx).ID)
		fmt.Fprintln(w, n, err)
	})
	mux.HandleFunc("POST /everywhere", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		user := accounts.Get(ctx).User
		accounts.Destroy(ctx)
		n, err := accounts.RevokeOwner(ctx, user)
		fmt.Fprintln(w, n, err)
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, accounts.Get(r.Context()).User)
	})
	here := sesametest.NewClient(t, accounts.Handler(mux))
	there := here.Another()
	form := url.Values{"user": {"ann"}, "password": {"secret"}, "remember": {"yes"}}

	for _, step := range []struct {
		client *sesametest.Client
		path   string
		want   string
	}{
		{here, "/login", "ann"},
		{there, "/login", "ann"},
		{there, "/elsewhere", "1 <nil>\n"},
		{there, "/login", "ann"},
		{there, "/logout", ""},
		{there, "/login", "ann"},
		{here, "/login", "ann"},
		{there, "/everywhere", "2 <nil>\n"},
	} {
		if _, got := step.client.Post(step.path, form); got != step.want {
			t.Errorf("%s: got %q, want %q", step.path, got, step.want)
		}
	}
	for _, client := range []*sesametest.Client{here, there} {
		if _, got := client.Get("/"); got != "" {
			t.Errorf("still signed in: %q", got)
		}
	}
	form.Set("password", "wrong")
	if resp, _ := here.Post("/login", form); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the wrong password: %s", resp.Status)
	}
}
