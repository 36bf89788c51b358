package main

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

const day = 24 * time.Hour

func (s *shop) logInPage(w http.ResponseWriter, r *http.Request) {
	next := safeNext(r.FormValue("next"))
	if s.sessions.Get(r.Context()).User != "" {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	s.render(w, r, http.StatusOK, "login", logInForm{Next: next})
}

// A logInForm is what the form of the log-in, and that of a password that is
// asked for again, show.
type logInForm struct{ Next, User, Problem string }

func (s *shop) logIn(w http.ResponseWriter, r *http.Request) {
	next, id := safeNext(r.PostFormValue("next")), r.PostFormValue("user")
	user, ok := s.accounts.authenticate(id, r.PostFormValue("password"))
	if !ok {
		s.render(w, r, http.StatusUnauthorized, "login", logInForm{next, id, "Name and password do not match."})
		return
	}
	s.signIn(r, user, r.PostFormValue("remember") != "")
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// signIn makes the request's session the user's. What a visitor has put into
// the cart stays; all else goes, as another may have planted that session.
func (s *shop) signIn(r *http.Request, user account, remember bool) {
	ctx := r.Context()
	s.sessions.Renew(ctx) // from here on the old token is worth nothing
	before := s.sessions.Get(ctx)
	cart := before.Cart
	if before.User != "" && before.User != user.ID {
		cart = nil // it is another user's
	}
	*before = Session{
		User: user.ID, Name: user.Name, Device: deviceOf(r), Cart: cart,
		Flash: []string{"Welcome, " + user.Name + "."},
	}
	if remember {
		// For as long as it is used each month, half a year at most.
		s.sessions.Remember(ctx, 30*day, 180*day)
	} else {
		s.sessions.Remember(ctx, 0, 0) // until the browser closes
	}
}

func (s *shop) logOut(w http.ResponseWriter, r *http.Request) {
	s.sessions.Destroy(r.Context())
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// safeNext returns next if it is a path of this site, else the front page:
// links such as /login?next=https://evil.example must not lead there.
func safeNext(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || // https://evil.example, //evil.example
		!strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") ||
		strings.Contains(u.Path, `\`) { // which browsers take for a slash
		return "/"
	}
	return next
}
