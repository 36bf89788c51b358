package main

import (
	"net/http"
	"net/url"
	"time"
)

// member lets users through who have logged in. Others log in first, and come
// back to the page.
func (s *shop) member(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.sessions.Get(r.Context()).User == "" {
			http.Redirect(w, r, "/login?next="+wayBack(r), http.StatusSeeOther)
			return
		}
		next(w, r)
	}
}

// fresh lets members through whose password was given not long ago, and asks
// the others for it.
func (s *shop) fresh(next http.HandlerFunc) http.HandlerFunc {
	return s.member(func(w http.ResponseWriter, r *http.Request) {
		if time.Since(s.sessions.Info(r.Context()).Renewed) > s.freshFor {
			http.Redirect(w, r, "/confirm?next="+wayBack(r), http.StatusSeeOther)
			return
		}
		next(w, r)
	})
}

// admin lets administrators through.
func (s *shop) admin(next http.HandlerFunc) http.HandlerFunc {
	return s.member(func(w http.ResponseWriter, r *http.Request) {
		if !s.isAdmin(r) {
			http.NotFound(w, r)
			return
		}
		s.fresh(next)(w, r)
	})
}

// isAdmin reports whether an administrator asks. The right is the account's, not
// the session's, so that it ends when it is taken away.
func (s *shop) isAdmin(r *http.Request) bool {
	user, _ := s.accounts.find(s.sessions.Get(r.Context()).User)
	return user.Admin
}

// wayBack returns the request's page, for a query. What a form has sent is not
// sent again, so from there the way leads to the account.
func wayBack(r *http.Request) string {
	if r.Method != http.MethodGet {
		return "/account"
	}
	return url.QueryEscape(r.URL.RequestURI())
}
