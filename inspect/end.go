package inspect

import (
	"encoding/base64"
	"errors"
	"net/http"

	"github.com/sesame-go/sesame/store"
)

// end ends one session, or all of an owner, and says what was done. The answer
// is a page of its own, so that what it says is never in an address; to send the
// form again ends nothing else.
func (i *inspector) end(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("owner") != "" {
		i.endOwner(w, r)
		return
	}
	k, err := store.ParseKey(r.PostFormValue("id"))
	if err != nil {
		i.notFound(w, r, "./", "That is not a session's ID, so nothing was ended.")
		return
	}
	g, err := i.glance(r.Context(), k, "./")
	gone := errors.Is(err, store.ErrNotFound)
	p := page{Root: "./"}
	err = i.engine.Revoke(r.Context(), []string{k.String()})
	switch {
	case err != nil:
		p.Failed, p.Notice = true, "The session "+k.String()+" could not be ended, and may still be valid: "+visible(err.Error())
	case gone:
		p.Notice = "The session " + k.String() + " had ended before."
	case g.Info.Owner == "":
		p.Notice = "Ended the session " + k.String() + ", which had no owner."
	default:
		p.Notice = "Ended the session " + k.String() + " of " + visible(g.Info.Owner) + "."
	}
	if g.Info.Owner != "" {
		body := i.owner(r.Context(), g.Info.Owner, 1, "./")
		i.renderOwner(w, r, p, body)
		return
	}
	p.Title, p.Here = "Ended", "session"
	status := http.StatusOK
	if p.Failed {
		status = http.StatusServiceUnavailable
	}
	i.render(w, r, status, "ended", p)
}

func (i *inspector) endOwner(w http.ResponseWriter, r *http.Request) {
	name, err := base64.RawURLEncoding.DecodeString(r.PostFormValue("owner"))
	if err != nil {
		i.notFound(w, r, "./", "That is not an owner, so nothing was ended.")
		return
	}
	owner := string(name)
	p := page{Root: "./"}
	n, err := i.engine.RevokeOwner(r.Context(), owner, nil)
	ended := "Ended " + count(n, "session", "sessions") + " of " + visible(owner)
	switch {
	case err != nil:
		p.Failed, p.Notice = true, ended+"; then it failed, and others may still be valid: "+visible(err.Error())
	default:
		p.Notice = ended + "."
	}
	i.renderOwner(w, r, p, i.owner(r.Context(), owner, 1, "./"))
}
