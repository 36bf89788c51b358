package lifecycle

import (
	"errors"
	"fmt"
	"time"

	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/store"
)

// stored is one version of a session as the store has it.
type stored struct {
	key     store.Key
	version uint64 // 0: the store has nothing
	expires time.Time
	owner   string
	header  envelope.Header
	snapshot
	quiet time.Time // see rest
}

func (st *stored) exists() bool { return st.version != 0 }

// alive judges expiry by this process's clock. The store's own clock may differ, and
// its sweep comes late.
func (st *stored) alive(now time.Time) bool {
	return now.Before(st.expires) && (st.header.Deadline.IsZero() || now.Before(st.header.Deadline))
}

// rest computes how long an unchanged session needs neither expiry nor touch.
// If now has a monotonic reading, as after a load, comparing with it is cheap.
func (st *stored) rest(now time.Time) {
	due := st.expires
	if idle := st.header.Idle; idle > 0 {
		due = due.Add(idle/10 - idle)
	}
	if end := st.header.Deadline; !end.IsZero() && end.Before(due) {
		due = end
	}
	st.quiet = now.Add(due.Sub(now))
}

// info returns what an application may know of a stored session.
func (st *stored) info() Info {
	h := &st.header
	info := Info{
		ID: st.key.String(), Owner: st.owner, Remembered: h.Remembered,
		Created: h.Created, Renewed: h.Renewed, Used: h.Renewed, Expires: st.expires, Device: bindingOf(h),
	}
	if h.Idle > 0 {
		info.Used = st.expires.Add(-h.Idle)
	}
	if !h.Deadline.IsZero() && h.Deadline.Before(st.expires) {
		info.Expires = h.Deadline
	}
	return info
}

// A verdict says why a record is not a session that this request may use.
type verdict struct {
	kind  Kind
	err   error
	named bool // the token's secret is right all the same
}

var (
	unknown    = &verdict{kind: UnknownToken}
	superseded = &verdict{kind: Superseded, named: true}
	expired    = &verdict{kind: Expired, named: true}
	stale      = &verdict{kind: Stale}
)

// holds reports whether the session is there, and not to be replaced by what
// this request writes.
func (v *verdict) holds() bool {
	return v.kind == Superseded || v.kind == Newer || v.kind == Stale
}

// fromError returns the verdict that a store's error amounts to, nil if the
// store has failed.
func fromError(err error) *verdict {
	switch {
	case errors.Is(err, store.ErrExpired):
		return &verdict{kind: Expired}
	case errors.Is(err, store.ErrNotFound):
		return unknown
	case errors.Is(err, store.ErrCorrupt):
		return &verdict{kind: Corrupt, err: err}
	}
	return nil
}

// open reads a record into st, up to its payload. It compares the proof, the
// hash of a token, with the header's before it looks at anything else. Without
// a proof, for administrators, it admits every record.
func (e *Engine) open(k store.Key, r store.Record, proof *token.Hash, st *stored) *verdict {
	header, payload, named, err := envelope.Open(r.Data)
	*st = stored{key: k, version: r.Version, expires: r.Expires, owner: r.Owner, header: header}
	if proof != nil && named {
		current, previous := header.Secret.Equal(*proof), header.Previous.Equal(*proof)
		switch {
		case current:
		case previous && err == nil && time.Since(header.Renewed).Abs() < grace:
			return superseded
		default:
			return unknown
		}
	}
	switch {
	case errors.Is(err, envelope.ErrNewer):
		return &verdict{Newer, err, named}
	case err != nil:
		return &verdict{Corrupt, err, named}
	case header.Schema > e.schema:
		return &verdict{Newer, fmt.Errorf("stored as version %d of the session type, this program has %d", header.Schema, e.schema), true}
	case e.codecs[header.Codec] == nil:
		return &verdict{Newer, fmt.Errorf("stored by the codec with ID %d; give it to WithCodec as an older one", header.Codec), true}
	case len(payload) > 4*e.MaxSize:
		return &verdict{Corrupt, fmt.Errorf("%d bytes are stored, more than four times WithMaxSize(%d)", len(payload), e.MaxSize), true}
	case !st.alive(time.Now()):
		return expired
	}
	if t, _ := e.typeOf(int(header.Schema)); t == nil {
		return &verdict{Corrupt, fmt.Errorf("stored as version %d of the session type, where no step of WithUpgrade begins; this program has version %d", header.Schema, e.schema), true}
	}
	st.snapshot = e.snapshot(encoded{payload, header.Codec, header.Schema})
	return nil
}

// grace is how long after a renewal a request with the previous token is taken for
// one that was sent before it.
const grace = 10 * time.Second
