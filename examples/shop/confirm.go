package main

import "net/http"

func (s *shop) confirmPage(w http.ResponseWriter, r *http.Request) {
	s.renderConfirm(w, r, http.StatusOK, logInForm{Next: safeNext(r.FormValue("next"))})
}

// confirm takes the password of a user who has logged in. Renew makes the
// log-in as young as a new one, and ends streams and tabs of a stolen cookie.
func (s *shop) confirm(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	next := safeNext(r.PostFormValue("next"))
	if _, ok := s.accounts.authenticate(s.sessions.Get(ctx).User, r.PostFormValue("password")); !ok {
		s.renderConfirm(w, r, http.StatusUnauthorized, logInForm{Next: next, Problem: "This is not your password."})
		return
	}
	s.sessions.Renew(ctx)
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// renderConfirm asks for the password, or sends users who have none here to
// their provider.
func (s *shop) renderConfirm(w http.ResponseWriter, r *http.Request, status int, form logInForm) {
	form.User = s.sessions.Get(r.Context()).User
	name := "confirm"
	if _, ok := s.accounts.find(form.User); !ok {
		name = "confirm-provider"
	}
	s.render(w, r, status, name, form)
}
