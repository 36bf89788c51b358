package natsstore

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sesame-go/sesame/internal/expiry"
	"github.com/sesame-go/sesame/store"
)

// A session is the value of a message: a byte for the format, when it expires
// and until when the index has it, in milliseconds since 1970 and big-endian,
// the length of the owner, the owner, and the data.
const (
	format = 2
	header = 1 + 8 + 8 + 1
)

// session returns the value for r.
func session(r store.Record, expires, indexed int64) []byte {
	b := make([]byte, 0, header+len(r.Owner)+len(r.Data))
	b = append(b, format)
	b = binary.BigEndian.AppendUint64(b, uint64(expires))
	b = binary.BigEndian.AppendUint64(b, uint64(indexed))
	b = append(b, byte(len(r.Owner)))
	b = append(b, r.Owner...)
	return append(b, r.Data...)
}

// A state is what the bucket has for a key. There is a session, live or
// expired, if record.Version is not 0.
type state struct {
	seq     uint64        // of the last message; 0 if there is none
	ttl     time.Duration // of the last message
	live    bool
	record  store.Record
	expires int64
	indexed int64
}

// read returns the state that a message is. Its error wraps
// [store.ErrCorrupt]; the sequence is there all the same.
func read(m *jetstream.RawStreamMsg, now int64) (state, error) {
	if m == nil {
		return state{}, nil
	}
	st := state{seq: m.Sequence, ttl: longest * time.Millisecond}
	if ttl, err := time.ParseDuration(m.Header.Get(jetstream.MsgTTLHeader)); err == nil {
		st.ttl = ttl
	}
	if isMarker(m.Header) {
		return st, nil
	}
	if len(m.Data) < header || m.Data[0] != format || len(m.Data) < header+int(m.Data[header-1]) {
		return st, fmt.Errorf("message %d: %w", m.Sequence, store.ErrCorrupt)
	}
	st.expires = int64(binary.BigEndian.Uint64(m.Data[1:]))
	st.indexed = int64(binary.BigEndian.Uint64(m.Data[9:]))
	end := header + int(m.Data[header-1])
	st.record = store.Record{
		Version: m.Sequence,
		Expires: time.UnixMilli(st.expires),
		Owner:   string(m.Data[header:end]),
		Data:    m.Data[end:len(m.Data):len(m.Data)], // only this state has the message
	}
	st.live = now < st.expires
	return st, nil
}

// isMarker reports whether a message says that there is nothing: one of ours,
// one of NATS's own tools (nats kv del), or the server's.
func isMarker(h nats.Header) bool {
	op := h.Get(operation)
	return op == deleted || op == "PURGE" || h.Get(jetstream.MarkerReasonHeader) != ""
}

// operation and deleted are how key-value buckets mark a deletion.
const (
	operation = "KV-Operation"
	deleted   = "DEL"
)

// millis returns t in milliseconds since 1970, of a year until 9999.
func millis(t time.Time) int64 { return expiry.Clamp(t).UnixMilli() }

const (
	// grace is how long the server keeps what has expired. Clocks that differ
	// by less agree on what there is.
	grace = time.Hour

	// longest bounds TTLs: a hundred years, in milliseconds.
	longest = 100 * 365 * 24 * 3600 * 1000
)

// ttl returns how long the server keeps what expires in so many milliseconds.
// NATS counts whole seconds, at least one.
func ttl(left int64) time.Duration {
	left = min(max(left, -grace.Milliseconds()+1), longest)
	return (time.Duration(left)*time.Millisecond + grace + time.Second - 1).Truncate(time.Second)
}
