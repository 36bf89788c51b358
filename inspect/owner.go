package inspect

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
)

// ownerPage has the sessions of one owner.
type ownerPage struct {
	Owner  string
	Form   string // the owner as forms carry it: browsers change line ends and bytes that are no text
	Anchor string // a session of the owner's, by which the page is addressed
	Rows   []glance
	Total  int
	Cut    bool // there are more
	Page   int
	Pages  int
	Tail   tail

	Ownerless bool  // the session type has no owners
	Index     bool  // the store has an index of owners
	Cannot    bool  // the store can find no owner's sessions
	Failed    error // the store failed
}

// search finds a session by its ID, or an owner's by the name. It is a POST, so
// that no name of a user is in an address, a history or a log: an owner's page is
// addressed by one of the sessions.
func (i *inspector) search(w http.ResponseWriter, r *http.Request) {
	q := r.PostFormValue("q")
	trimmed := strings.TrimSpace(q)
	switch {
	case trimmed == "":
		http.Redirect(w, r, "./", http.StatusSeeOther)
		return
	case token.Valid(trimmed): // a secret that is not needed here
		id, _, _ := strings.Cut(trimmed, ".")
		http.Redirect(w, r, "session/"+id, http.StatusSeeOther)
		return
	}
	k, notID := store.ParseKey(trimmed)
	if notID == nil {
		if _, err := i.glance(r.Context(), k, "./"); err == nil {
			http.Redirect(w, r, "session/"+trimmed, http.StatusSeeOther)
			return
		}
	}
	body := i.owner(r.Context(), q, 1, "./")
	if body.Total == 0 && trimmed != q {
		body = i.owner(r.Context(), trimmed, 1, "./")
	}
	switch {
	case body.Anchor != "":
		http.Redirect(w, r, "owner/"+body.Anchor, http.StatusSeeOther)
	case notID == nil:
		http.Redirect(w, r, "session/"+trimmed, http.StatusSeeOther)
	default:
		i.renderOwner(w, r, page{Root: "./"}, body)
	}
}

// showOwner shows the owner of a session.
func (i *inspector) showOwner(w http.ResponseWriter, r *http.Request, k store.Key) {
	g, err := i.glance(r.Context(), k, "../")
	owner := g.Info.Owner
	if errors.Is(err, store.ErrNotFound) {
		owner, err = i.events.ownerOf(k), nil
	}
	switch {
	case err != nil:
		i.renderOwner(w, r, page{Root: "../"}, ownerPage{Failed: err})
	case owner == "":
		i.notFound(w, r, "../", "This session has ended, or it has no owner. Search for the owner's name.")
	default:
		n, _ := strconv.Atoi(r.FormValue("page"))
		i.renderOwner(w, r, page{Root: "../"}, i.owner(r.Context(), owner, n, "../"))
	}
}

func (i *inspector) renderOwner(w http.ResponseWriter, r *http.Request, p page, body ownerPage) {
	p.Title, p.Here, p.Body = "Owner", "owner", body
	status := http.StatusOK
	switch {
	case body.Failed != nil:
		status = http.StatusServiceUnavailable
	case body.Total == 0 && p.Notice == "":
		status = http.StatusNotFound
	}
	i.render(w, r, status, "owner", p)
}

func (i *inspector) owner(ctx context.Context, owner string, n int, root string) ownerPage {
	p := ownerPage{
		Owner: owner, Form: base64.RawURLEncoding.EncodeToString([]byte(owner)), Page: 1, Pages: 1,
		Tail: i.tail(query{owner: owner}, tailOnSession, root), Ownerless: !i.owned,
	}
	_, p.Index = i.engine.Can()
	if p.Ownerless || len(owner) > store.MaxOwner {
		return p
	}
	keys, cut, err := i.walk(ctx, owner)
	p.Total, p.Cut = len(keys), cut
	p.Pages = max(1, (len(keys)+perPage-1)/perPage)
	p.Page = min(max(n, 1), p.Pages)
	if err == nil && len(keys) > 0 {
		p.Anchor = keys[0].String()
		p.Rows, _, err = i.glances(ctx, onPage(keys, p.Page), root)
	}
	if p.Cannot = errors.Is(err, errors.ErrUnsupported); !p.Cannot {
		p.Failed = err
	}
	return p
}

// Sessions says how many there are.
func (p ownerPage) Sessions() string {
	if p.Cut {
		return number(p.Total) + "+ sessions"
	}
	return count(p.Total, "session", "sessions")
}

// Next and Prev are the pages around this one.
func (p ownerPage) Next() int { return p.Page + 1 }

// Prev is the page before.
func (p ownerPage) Prev() int { return p.Page - 1 }
