package lifecycle

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/store"
)

// keepNewest ends the sessions of an owner beyond the limit, those with the
// oldest log-in. It comes after a log-in was stored. Of several new sessions the
// one that is stored last sees all others, and each would end the same ones, so
// the limit holds once all have returned.
func (e *Engine) keepNewest(ctx context.Context, owner string) {
	if e.OwnerLimit == 0 || owner == "" {
		return
	}
	began := e.began()
	var logins []login
	for r, err := range e.owners.Owned(ctx, owner) {
		if err != nil {
			_ = e.failed(ctx, "list", store.Key{}, began, err)
			return
		}
		if at, over := renewedAt(r.Record); !over {
			logins = append(logins, login{r.Key, at})
		}
	}
	if len(logins) <= e.OwnerLimit {
		return
	}
	slices.SortFunc(logins, func(a, b login) int {
		return cmp.Or(b.at.Compare(a.at), slices.Compare(a.key[:], b.key[:]))
	})
	for _, oldest := range logins[e.OwnerLimit:] {
		if r, err := e.Store.Load(ctx, oldest.key); err == nil {
			if at, _ := renewedAt(r); at.After(oldest.at) {
				continue // it has logged in once more
			}
		}
		if e.end(ctx, oldest.key, Revoked, owner) != nil {
			return // the event tells
		}
	}
}

// login is a session of an owner.
type login struct {
	key store.Key
	at  time.Time
}

// renewedAt returns when the session of a record was logged in, and whether it
// is over. One that this program cannot read is the oldest.
func renewedAt(r store.Record) (at time.Time, over bool) {
	h, _, _, err := envelope.Open(r.Data)
	if err != nil {
		return time.Time{}, false
	}
	st := stored{expires: r.Expires, header: h}
	return h.Renewed, !st.alive(time.Now())
}

// checkLimit returns an error if the limit cannot be held.
func (e *Engine) checkLimit(hasOwner bool) error {
	switch {
	case e.OwnerLimit == 0:
		return nil
	case !hasOwner:
		return fmt.Errorf("WithOwnerLimit: %s has no method Owner() string, which says whose session it is", e.Type)
	case e.owners == nil:
		return fmt.Errorf("WithOwnerLimit: %T cannot find sessions by owner: use a store that implements store.OwnerIndex, and forward its methods in a wrapper", e.Store)
	}
	return nil
}
