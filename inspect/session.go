package inspect

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/sesame-go/sesame/internal/lifecycle"
	"github.com/sesame-go/sesame/store"
)

// sessionPage is all that is known of a session.
type sessionPage struct {
	glance
	Key     string
	Gone    bool  // it is not there
	Failed  error // the store failed
	Data    node
	Payload string // the name of its codec
	Program int    // the version of the program's session type
	Tail    tail
	Owned   bool // the session type has owners
}

func (i *inspector) showSession(w http.ResponseWriter, r *http.Request, k store.Key) {
	body := i.session(r.Context(), k, true)
	p := page{Root: "../", Title: "Session " + k.String()[:4] + "…", Here: "session", Body: body}
	status := http.StatusOK
	switch {
	case body.Failed != nil:
		status = http.StatusServiceUnavailable
	case body.Gone:
		status = http.StatusNotFound
	}
	if !body.Gone {
		p.Live = url.Values{"page": {"session"}, "session": {k.String()}, "after": {body.Tail.After}}.Encode()
	}
	i.render(w, r, status, "session", p)
}

func (i *inspector) session(ctx context.Context, k store.Key, data bool) sessionPage {
	p := sessionPage{
		Key: k.String(), Program: i.engine.SchemaVersion(), Owned: i.owned,
		Tail: i.tail(query{key: k}, tailOnSession, "../"),
	}
	p.glance, p.Failed = i.glance(ctx, k, "../")
	p.Gone = errors.Is(p.Failed, store.ErrNotFound)
	if p.Gone {
		p.Failed = nil
	}
	p.Payload = codecName(p.Codec)
	if data && p.Value != nil {
		p.Data = tree(p.Value)
	}
	return p
}

// glance reads a session. An error wraps store.ErrNotFound if it is not there;
// one that is there and cannot be read is none.
func (i *inspector) glance(ctx context.Context, k store.Key, root string) (glance, error) {
	record, err := i.engine.Record(ctx, k)
	switch {
	case errors.Is(err, store.ErrCorrupt):
		return glance{unreadable(k, err), root}, nil
	case err != nil:
		return glance{Root: root}, err
	}
	look := i.engine.Look(record)
	if errors.Is(look.Err, lifecycle.ErrNotFound) {
		return glance{Root: root}, look.Err
	}
	return glance{look, root}, nil
}

// HardEnd is when the session ends however much it is used, zero if never.
func (p sessionPage) HardEnd() time.Time { return p.Deadline }

// Device says whether the session is bound to a device, "" if that was never
// offered.
func (p sessionPage) Device() string {
	switch p.Info.Device {
	case lifecycle.Offered:
		return "offered, not bound"
	case lifecycle.BoundToDevice:
		return "bound"
	}
	return ""
}

// Upgraded reports whether it was stored by an older program.
func (p sessionPage) Upgraded() bool { return p.Value != nil && int(p.Schema) != p.Program }
