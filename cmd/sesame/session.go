package main

import (
	"time"

	"github.com/sesame-go/sesame/cmd/sesame/internal/terminal"
	"github.com/sesame-go/sesame/cmd/sesame/internal/tree"
	"github.com/sesame-go/sesame/internal/envelope"
	"github.com/sesame-go/sesame/store"
)

// A session is a record, taken apart as far as that is possible without the
// program's struct. It never has the hashes of the token.
type session struct {
	key     store.Key
	owner   string
	expires time.Time // when the store may drop it
	size    int
	unread  error // why the rest is missing

	created, renewed, used, ends time.Time
	remembered                   bool
	idle                         time.Duration
	codec                        byte
	schema                       uint16
	payload                      []byte
}

func newSession(e store.Entry) session {
	s := session{key: e.Key, owner: e.Owner, expires: e.Expires, ends: e.Expires, size: len(e.Data)}
	h, payload, _, err := envelope.Open(e.Data)
	if err != nil {
		s.unread = err
		return s
	}
	s.created, s.renewed, s.used = h.Created, h.Renewed, h.Renewed
	if h.Idle > 0 {
		s.used = e.Expires.Add(-h.Idle)
	}
	if !h.Deadline.IsZero() && h.Deadline.Before(s.ends) {
		s.ends = h.Deadline
	}
	s.remembered, s.idle, s.codec, s.schema, s.payload = h.Remembered, h.Idle, h.Codec, h.Schema, payload
	return s
}

func (s *session) ended() bool { return !s.ends.After(time.Now()) }

func (s *session) id() string { return s.key.String() }

func (s *session) ownerText() string {
	if s.owner == "" {
		return "-"
	}
	return terminal.Text(s.owner)
}

// moment says when something was, or a question mark if that cannot be read.
func (s *session) moment(t, now time.Time) string {
	if s.unread != nil {
		return "?"
	}
	return terminal.Moment(t, now)
}

// report is a session in JSON.
type report struct {
	ID         string     `json:"id"`
	Owner      string     `json:"owner"`
	OwnerBytes []byte     `json:"owner_bytes,omitempty"` // base64, if the owner is no UTF-8
	Created    *time.Time `json:"created,omitempty"`
	LogIn      *time.Time `json:"log_in,omitempty"`
	Used       *time.Time `json:"used,omitempty"`
	Ends       time.Time  `json:"ends"`
	Remembered bool       `json:"remembered,omitempty"`
	Codec      string     `json:"codec,omitempty"`
	Version    uint16     `json:"version,omitempty"`
	Size       int        `json:"size"`
	Unreadable string     `json:"unreadable,omitempty"`
	Data       any        `json:"data,omitempty"`
}

func (s *session) report() report {
	r := report{ID: s.id(), Ends: s.ends.UTC(), Size: s.size}
	r.Owner, r.OwnerBytes = textOrBytes(s.owner)
	if s.unread != nil {
		r.Unreadable = s.unread.Error()
		return r
	}
	created, renewed, used := s.created.UTC(), s.renewed.UTC(), s.used.UTC()
	r.Created, r.LogIn, r.Used = &created, &renewed, &used
	r.Remembered, r.Codec, r.Version = s.remembered, tree.CodecName(s.codec), s.schema
	return r
}
