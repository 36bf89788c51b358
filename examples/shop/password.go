package main

import (
	"log"
	"net/http"
)

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
