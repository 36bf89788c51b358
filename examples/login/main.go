// Login shows logging in and out, the list of one's own sessions, and "sign
// out everywhere else".
//
//	go run ./examples/login
//
// The users are ann, whose password is apple, and bob, whose is banana.
package main

import (
	"cmp"
	"crypto/subtle"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/sesame-go/sesame"
)

// Session is what is known of a browser.
type Session struct {
	User   string // "" until they have logged in
	Device string
	Notice string // shown once, on the next page
}

// Owner tells sesame whose session it is, so that it can be found by user.
func (s Session) Owner() string { return s.User }

var sessions = sesame.New[Session]()

// passwords stands for a database of users. That would have slow, salted hashes
// of the passwords, not the passwords.
var passwords = map[string]string{"ann": "apple", "bob": "banana"}

func home(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	s := sessions.Get(ctx)
	if s.User == "" {
		render(w, http.StatusOK, "login", "")
		return
	}
	page := homePage{User: s.User, Notice: s.Notice, Here: sessions.Info(ctx).ID}
	s.Notice = ""
	for e, err := range sessions.OwnedBy(ctx, s.User) {
		if err != nil {
			log.Print(err)
			http.Error(w, "The list of your sessions cannot be read now.", http.StatusServiceUnavailable)
			return
		}
		page.Sessions = append(page.Sessions, e)
	}
	slices.SortFunc(page.Sessions, func(a, b sesame.Entry[Session]) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	render(w, http.StatusOK, "home", page)
}

func logIn(w http.ResponseWriter, r *http.Request) {
	user := r.PostFormValue("user")
	if !correct(user, r.PostFormValue("password")) {
		render(w, http.StatusUnauthorized, "login", "User and password do not match.")
		return
	}
	ctx := r.Context()
	sessions.Renew(ctx) // from here on the old token is worth nothing
	*sessions.Get(ctx) = Session{User: user, Device: r.UserAgent()}
	if r.PostFormValue("remember") != "" {
		sessions.Remember(ctx, 30*24*time.Hour, 180*24*time.Hour)
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func logOut(w http.ResponseWriter, r *http.Request) {
	sessions.Destroy(r.Context())
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func logOutOthers(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	s := sessions.Get(ctx)
	if s.User == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	n, err := sessions.RevokeOwner(ctx, s.User, sessions.Info(ctx).ID)
	if err != nil {
		log.Print(err)
		http.Error(w, "Your other sessions could not be ended. Please try again.", http.StatusServiceUnavailable)
		return
	}
	s.Notice = fmt.Sprintf("Other sessions ended: %d.", n)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// correct reports whether password is the user's.
func correct(user, password string) bool {
	want, known := passwords[user]
	return subtle.ConstantTimeCompare([]byte(password), []byte(want)) == 1 && known
}

func handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", home)
	mux.HandleFunc("POST /login", logIn)
	mux.HandleFunc("POST /logout", logOut)
	mux.HandleFunc("POST /logout-others", logOutOthers)

	// Forms of other sites must log users neither in nor out.
	return http.NewCrossOriginProtection().Handler(sessions.Handler(mux))
}

func main() {
	addr := flag.String("addr", "localhost:9090", "`address` to listen on")
	flag.Parse()
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatalf("%v; choose another address with -addr, such as -addr localhost:9091", err)
	}
	log.Printf("serving http://%s/", *addr)
	log.Fatal(http.Serve(listener, handler()))
}
