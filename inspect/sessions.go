package inspect

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sesame-go/sesame/internal/lifecycle"
	"github.com/sesame-go/sesame/store"
)

const (
	// perPage is how many sessions a page shows, longest how many a list has.
	perPage = 50
	longest = 1000

	// maxLists is how many lists are kept for their other pages.
	maxLists = 16
)

// lists are the latest lists of sessions that were opened. A store yields its
// sessions in no order that holds for the next time, so the pages of a list are
// taken from one walk. It keeps the IDs alone.
type lists struct {
	mu     sync.Mutex
	latest []list
}

type list struct {
	name string
	keys []store.Key
	cut  bool // the store has more
}

func (l *lists) add(of list) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.latest) == maxLists {
		l.latest = l.latest[1:]
	}
	l.latest = append(l.latest, of)
}

func (l *lists) find(name string) (list, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := slices.IndexFunc(l.latest, func(of list) bool { return of.name == name })
	if at < 0 {
		return list{}, false
	}
	return l.latest[at], true
}

// A glance is what a list shows of a session.
type glance struct {
	lifecycle.Look
	Root string
}

// Left is what is left of the time that the session had at its last use, in
// percent.
func (g glance) Left() int {
	whole, left := g.Info.Expires.Sub(g.Info.Used), time.Until(g.Info.Expires)
	if whole <= 0 || left <= 0 {
		return 0
	}
	return int(min(100, 100*left/whole))
}

// Slides reports whether the end moves with use.
func (g glance) Slides() bool {
	return g.Idle > 0 && (g.Deadline.IsZero() || g.Info.Expires.Before(g.Deadline))
}

// FirstToken reports whether the token was never replaced: the log-in has made
// the session, or there was none.
func (g glance) FirstToken() bool { return g.Info.Renewed.Equal(g.Info.Created) }

// sessionsPage is one page of a list.
type sessionsPage struct {
	Rows    []glance
	List    string
	Page    int
	Pages   int
	Listed  int
	Cut     bool
	Stale   bool // the list that was asked for is gone
	Ended   int  // of this page, since the list was made
	Mean    int  // size
	Largest int
	Cannot  bool  // the store does not list
	Err     error // the store failed
}

// Next and Prev are the pages around this one.
func (p sessionsPage) Next() int { return p.Page + 1 }

// Prev is the page before.
func (p sessionsPage) Prev() int { return p.Page - 1 }

func (i *inspector) showSessions(w http.ResponseWriter, r *http.Request) {
	body := sessionsPage{Page: 1}
	rows, err := i.sessionsPage(r, &body)
	status := http.StatusOK
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		body.Cannot = true
	case err != nil:
		body.Err, status = err, http.StatusServiceUnavailable
	}
	sum := 0
	for _, g := range rows {
		sum += g.Size
		body.Largest = max(body.Largest, g.Size)
	}
	if len(rows) > 0 {
		body.Mean = sum / len(rows)
	}
	body.Rows = rows
	i.render(w, r, status, "sessions", page{Root: "./", Title: "Sessions", Here: "sessions", Body: body})
}

func (i *inspector) sessionsPage(r *http.Request, body *sessionsPage) (rows []glance, err error) {
	ctx := r.Context()
	known, ok := i.lists.find(r.FormValue("list"))
	if !ok {
		body.Stale = r.FormValue("list") != ""
		if known, err = i.newList(ctx); err != nil {
			return nil, err
		}
		if len(known.keys) > perPage {
			i.lists.add(known)
		}
	}
	body.List, body.Listed, body.Cut = known.name, len(known.keys), known.cut
	body.Pages = max(1, (len(known.keys)+perPage-1)/perPage)
	if n, err := strconv.Atoi(r.FormValue("page")); err == nil && ok {
		body.Page = min(max(n, 1), body.Pages)
	}
	rows, body.Ended, err = i.glances(ctx, onPage(known.keys, body.Page), "./")
	return rows, err
}

func onPage(keys []store.Key, n int) []store.Key {
	first := (n - 1) * perPage
	return keys[first:min(first+perPage, len(keys))]
}

// glances reads sessions, and counts those that have ended.
func (i *inspector) glances(ctx context.Context, keys []store.Key, root string) (rows []glance, ended int, err error) {
	for _, k := range keys {
		g, err := i.glance(ctx, k, root)
		switch {
		case errors.Is(err, store.ErrNotFound):
			ended++
		case err != nil:
			return rows, ended, err
		default:
			rows = append(rows, g)
		}
	}
	return rows, ended, nil
}

func (i *inspector) newList(ctx context.Context) (list, error) {
	keys, cut, err := i.walk(ctx, "")
	return list{rand.Text(), keys, cut}, err
}

// walk returns the sessions of the store, or those of an owner, in the order of
// their expiry, the latest first: for sessions with one idle timeout, that is the
// order of their last use. It stops at the longest list, and reads none.
func (i *inspector) walk(ctx context.Context, owner string) (keys []store.Key, cut bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, i.engine.Timeout)
	defer cancel()
	var found []store.Entry
	for r, err := range i.engine.Records(ctx, owner) {
		if err != nil {
			return nil, false, err
		}
		if cut = len(found) == longest; cut {
			break
		}
		r.Data = nil // a thousand may be large
		found = append(found, r)
	}
	slices.SortStableFunc(found, func(a, b store.Entry) int { return b.Expires.Compare(a.Expires) })
	for _, r := range found {
		keys = append(keys, r.Key)
	}
	return keys, cut, nil
}

func unreadable(k store.Key, err error) lifecycle.Look {
	return lifecycle.Look{Entry: lifecycle.Entry{Info: lifecycle.Info{ID: k.String()}}, Err: err}
}
