package main

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"

	"github.com/sesame-go/sesame"
)

// devices lists where the user is signed in, the latest log-in first.
func (s *shop) devices(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	list, err := collect(s.sessions.OwnedBy(ctx, s.sessions.Get(ctx).User))
	if err != nil {
		s.fail(w, err)
		return
	}
	s.render(w, r, http.StatusOK, "devices", struct {
		Here string // the ID of this device's session
		List []sesame.Entry[Session]
	}{s.sessions.Info(ctx).ID, list})
}

// collect reads a walk over sessions to its end, the latest log-in first.
func collect(walk iter.Seq2[sesame.Entry[Session], error]) (list []sesame.Entry[Session], err error) {
	for e, err := range walk {
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b sesame.Entry[Session]) int {
		return cmp.Or(b.Renewed.Compare(a.Renewed), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// endDevice signs one device out. The ID comes from a form, where a user can
// write any, so it is looked up whose it is. An ID of another user is answered
// as one that does not exist.
func (s *shop) endDevice(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	id := r.PostFormValue("id")
	if id == s.sessions.Info(ctx).ID {
		s.logOut(w, r)
		return
	}
	e, err := s.sessions.Find(ctx, id)
	switch {
	case errors.Is(err, sesame.ErrNotFound), err == nil && e.Owner != s.sessions.Get(ctx).User:
		s.tell(ctx, "This device was signed out already.")
	case err != nil:
		s.fail(w, err)
		return
	default:
		if err := s.sessions.Revoke(ctx, id); err != nil {
			s.fail(w, err)
			return
		}
		s.tell(ctx, e.Data.Device.Name()+" is signed out.")
	}
	http.Redirect(w, r, "/devices", http.StatusSeeOther)
}

// endOtherDevices signs out all devices but this one.
func (s *shop) endOtherDevices(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	n, err := s.sessions.RevokeOwner(ctx, s.sessions.Get(ctx).User, s.sessions.Info(ctx).ID)
	if err != nil {
		s.fail(w, err)
		return
	}
	s.tell(ctx, fmt.Sprintf("Other devices signed out: %d.", n))
	http.Redirect(w, r, "/devices", http.StatusSeeOther)
}
