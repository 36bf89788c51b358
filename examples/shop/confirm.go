package main

import (
	"log"
	"net/http"
)

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

func (s *shop) passwordPage(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "password", "")
}

// changePassword signs out all other devices: one of them may be why the
// password is changed.
func (s *shop) changePassword(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	user := s.sessions.Get(ctx).User
	if _, ok := s.accounts.find(user); !ok {
		http.NotFound(w, r) // the provider has the password
		return
	}
	password := r.PostFormValue("password")
	if len(password) < 8 || len(password) > 72 {
		s.render(w, r, http.StatusUnprocessableEntity, "password", "Please choose 8 to 72 characters.")
		return
	}
	if err := s.accounts.setPassword(user, password); err != nil {
		s.fail(w, err)
		return
	}
	s.sessions.Renew(ctx)
	n, err := s.sessions.RevokeOwner(ctx, user, s.sessions.Info(ctx).ID)
	if err != nil {
		s.fail(w, err)
		return
	}
	log.Printf("%s has a new password, %d other sessions ended", user, n)
	s.tell(ctx, "Your password is changed, and all other devices are signed out.")
	http.Redirect(w, r, "/account", http.StatusSeeOther)
}
