package sesame_test

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"

	"github.com/sesame-go/sesame"
)

// Member is the session of a user who has logged in.
type Member struct{ User, Device string }

// Owner says whose session it is.
func (m Member) Owner() string { return m.User }

// Three are signed in from the start; their tokens are what cookies have.
var members = sesame.New[Member](sesame.WithSessions(map[string]Member{
	"AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA": {User: "ann", Device: "desktop"},
	"BBBBBBBBBBBBBBBBBBBBBA.BBBBBBBBBBBBBBBBBBBBBA": {User: "ann", Device: "phone"},
	"CCCCCCCCCCCCCCCCCCCCCA.CCCCCCCCCCCCCCCCCCCCCA": {User: "bob", Device: "laptop"},
}))

// admin lists who is signed in. The page is for administrators; who that is,
// the program decides.
func admin(w http.ResponseWriter, r *http.Request) {
	var all []sesame.Entry[Member]
	for e, err := range members.All(r.Context()) { // fetched page by page
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b sesame.Entry[Member]) int {
		return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Data.Device, b.Data.Device))
	})
	for _, e := range all {
		// e.ID names the session in links and forms. It is no token: no client can
		// sign in with it.
		fmt.Fprintf(w, "%s on a %s\n", e.Owner, e.Data.Device)
	}
}

// changePassword ends all of the user's sessions but the one that asks.
func changePassword(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	members.Renew(ctx)
	if err := members.Save(ctx); err != nil { // so that the session has its new ID
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	n, err := members.RevokeOwner(ctx, members.Get(ctx).User, members.Info(ctx).ID)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(w, "password changed, %d signed out\n", n)
}

// An administrator's page lists all sessions; a change of password ends the
// user's other ones.
func Example_admin() {
	mux := http.NewServeMux()
	mux.HandleFunc("/admin", admin)
	mux.HandleFunc("/password", changePassword)
	site := members.Handler(mux)

	visit := func(path string) {
		r := httptest.NewRequest("GET", "https://example.com"+path, nil)
		r.AddCookie(&http.Cookie{Name: "__Host-Http-session_id", Value: "AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA"})
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		fmt.Print(w.Body)
	}
	visit("/admin")
	visit("/password")
	visit("/admin")

	// Output:
	// ann on a desktop
	// ann on a phone
	// bob on a laptop
	// password changed, 1 signed out
	// ann on a desktop
	// bob on a laptop
}
