package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
)

// keepNewest ends the sessions of an owner beyond the limit, those with the
// oldest log-in. It comes after a log-in was stored. Of several new sessions the
// one that is stored last sees all others, so the limit holds once all have
// returned. Those of one process take turns, and find that others have done it
// for them.
func (e *Engine) keepNewest(ctx context.Context, owner string) {
	if e.OwnerLimit == 0 || owner == "" {
		return
	}
	stored := time.Now()
	l := &e.limits[maphash.String(seed, owner)%turns]
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		_ = e.failed(ctx, "list", store.Key{}, time.Time{}, ctx.Err())
		return
	}
	defer func() { <-l.turn }()
	if l.owner == owner && l.held.After(stored) {
		return
	}
	began := time.Now()
	if e.holdLimit(ctx, owner) == nil {
		l.owner, l.held = owner, began
	}
}

// limitTurn is for the log-ins of some owners.
type limitTurn struct {
	turn  chan struct{}
	owner string    // whose sessions were ended last
	held  time.Time // when it was found out which
}

// holdLimit ends the sessions that an owner has too many. Events tell of its
// errors.
func (e *Engine) holdLimit(ctx context.Context, owner string) error {
	began := e.began()
	var logins []login
	for r, err := range e.owners.Owned(ctx, owner) {
		if err != nil {
			return e.failed(ctx, "list", store.Key{}, began, err)
		}
		if at, over := renewedAt(r.Record); !over {
			logins = append(logins, login{r.Key, at})
		}
	}
	if len(logins) <= e.OwnerLimit {
		return nil
	}
	slices.SortFunc(logins, func(a, b login) int {
		return cmp.Or(b.at.Compare(a.at), slices.Compare(a.key[:], b.key[:]))
	})
	for _, oldest := range logins[e.OwnerLimit:] {
		if err := e.endLogin(ctx, owner, oldest); err != nil {
			return err
		}
	}
	return nil
}

// endLogin ends a session of an owner, unless it has logged in once more. To find
// out, it first takes the session's secret away by a compare-and-swap, and so is
// also the only one to tell of it.
func (e *Engine) endLogin(ctx context.Context, owner string, old login) error {
	for attempt := 0; ; attempt++ {
		if err := pause(ctx, attempt); err != nil {
			return e.failed(ctx, "save", old.key, time.Time{}, err)
		}
		began := e.began()
		r, err := e.Store.Load(ctx, old.key)
		if why := fromError(err); why != nil && why.kind != Corrupt {
			return nil // another log-in has ended it
		}
		if err == nil {
			at, _ := renewedAt(r)
			if at.After(old.at) || r.Owner != owner {
				return nil
			}
			if h, _, named, _ := envelope.Open(r.Data); named && h.Secret == (token.Hash{}) {
				if err = e.Store.Delete(ctx, old.key); err == nil { // as another log-in is about to
					return nil
				}
			} else {
				r.Data, r.Durable = envelope.Locked(r.Data), true
				_, err = e.Store.Save(ctx, old.key, r)
			}
		}
		switch {
		case errors.Is(err, store.ErrConflict):
			continue
		case err != nil && !errors.Is(err, store.ErrCorrupt):
			return e.failed(ctx, "save", old.key, began, err)
		}
		return e.end(ctx, old.key, Revoked, owner)
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
