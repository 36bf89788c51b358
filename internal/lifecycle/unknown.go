package lifecycle

import (
	"context"
	"errors"
	"log/slog"

	"github.com/sesame-go/sesame/codec"
)

// changedTo returns what is to be stored in place of the latest version, of which
// written is the encoding of the new value: that, and the fields that the latest
// version has and T does not have. They never pass from one user to another, and
// an upgrade drops them.
func (e *Engine) changedTo(ctx context.Context, latest *stored, written []byte, owner string) snapshot {
	next := snapshot{encoded: e.written(written), own: true}
	if !latest.unknown || latest.schema != e.schema || latest.owner != "" && latest.owner != owner {
		return next
	}
	carrier, ok := e.Codec.(codec.Carrier)
	if !ok || latest.codec != e.Codec.ID() {
		e.tellLost(ctx, latest, "")
		return next
	}
	var lost []string
	next.payload, lost = carrier.Carry(e.Type, written, latest.payload)
	for _, field := range lost {
		e.tellLost(ctx, latest, field)
	}
	next.before, next.unknown = hash(written), true
	return next
}

// tellLost reports a field that stays behind, once for each field: all sessions
// are likely to have it.
func (e *Engine) tellLost(ctx context.Context, latest *stored, field string) {
	if _, told := e.lost.LoadOrStore(field, true); told {
		return
	}
	e.emit(ctx, Event{Kind: Dropped, Key: latest.key, Owner: latest.owner, Field: field, Err: errLost})
	e.Log(ctx, slog.LevelWarn, "sesame: a stored session has a field that this program's type does not have, and that could not be carried over when it was saved; see docs/EVOLVING.md", "session", latest.key.String(), "field", field)
}

var errLost = errors.New("sesame: the stored session has a field that the session type does not have, in a place where it cannot be carried over")
