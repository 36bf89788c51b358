package main

import (
	"fmt"
	"iter"
	"net/http"

	"github.com/sesame-go/sesame"
)

// adminPage lists the sessions of all, visitors included.
func (s *shop) adminPage(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	n, err := s.sessions.Count(ctx)
	if err != nil {
		s.fail(w, err)
		return
	}
	list, err := collect(first(200, s.sessions.All(ctx)))
	if err != nil {
		s.fail(w, err)
		return
	}
	s.render(w, r, http.StatusOK, "admin", struct {
		Here  string
		Count int
		List  []sesame.Entry[Session]
	}{s.sessions.Info(ctx).ID, n, list})
}

// first ends a walk after n sessions. What has not been read yet is not fetched.
func first(n int, walk iter.Seq2[sesame.Entry[Session], error]) iter.Seq2[sesame.Entry[Session], error] {
	return func(yield func(sesame.Entry[Session], error) bool) {
		left := n
		for e, err := range walk {
			if !yield(e, err) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

func (s *shop) adminEnd(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if err := s.sessions.Revoke(ctx, r.PostFormValue("id")); err != nil {
		s.fail(w, err)
		return
	}
	s.tell(ctx, "The session is ended.")
	http.Redirect(w, r, "/admin", http.StatusSeeOther)
}

func (s *shop) adminEndOwner(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	owner := r.PostFormValue("owner")
	if owner == "" {
		http.Error(w, "the owner is missing", http.StatusBadRequest)
		return
	}
	n, err := s.sessions.RevokeOwner(ctx, owner, s.sessions.Info(ctx).ID)
	if err != nil {
		s.fail(w, err)
		return
	}
	s.tell(ctx, fmt.Sprintf("Sessions of %s ended: %d.", owner, n))
	http.Redirect(w, r, "/admin", http.StatusSeeOther)
}
