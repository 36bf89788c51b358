package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sesame-go/sesame/store"
)

// The statuses that scripts return.
const (
	done     = '+'
	refused  = '-' // there was nothing to do, or it must not be done
	unlisted = '?' // the owner's index must know of the record first
)

// errOutOfStep is the error for a reply that belongs to another command.
var errOutOfStep = errors.New("the reply is to another command: the connection to the server is out of step")

// run runs a script on the server. The reply repeats args[0].
func (s *Store) run(ctx context.Context, what *script, key string, args ...string) (status byte, rest string, err error) {
	if err := ctx.Err(); err != nil {
		return 0, "", err
	}
	calls := []Call{{Key: key, Args: args}}
	return judge(calls[0], s.send(ctx, what, calls)[0])
}

// send makes the calls of a script. The server knows it by its SHA-1, but
// forgets scripts when it restarts, fails over or is told SCRIPT FLUSH; then it
// is sent the text.
func (s *Store) send(ctx context.Context, what *script, calls []Call) []Reply {
	for i := range calls {
		calls[i].Command, calls[i].Script, calls[i].Writes = "EVALSHA", what.sha1(), what.writes
	}
	replies := s.conn.Run(ctx, calls...)
	var forgotten []int
	var again []Call
	for i, r := range replies {
		if r.Err != nil && strings.Contains(r.Err.Error(), "NOSCRIPT") {
			c := calls[i]
			c.Command, c.Script = "EVAL", what.text
			forgotten, again = append(forgotten, i), append(again, c)
		}
	}
	if len(again) > 0 {
		for i, r := range s.conn.Run(ctx, again...) {
			replies[forgotten[i]] = r
		}
	}
	return replies
}

// judge returns the reply of a script, after checking that it belongs to this call.
func judge(c Call, r Reply) (status byte, rest string, err error) {
	if r.Err != nil {
		return 0, "", wrongType(r.Err)
	}
	if n := len(c.Args[0]); len(r.Text) > n && r.Text[1:1+n] == c.Args[0] {
		switch r.Text[0] {
		case done, refused, unlisted:
			return r.Text[0], r.Text[1+n:], nil
		}
	}
	return 0, "", errOutOfStep
}

// wrongType returns err, as [store.ErrCorrupt] if the key holds a list, a hash
// or the like. Of a script the server reports it in the midst of its own words.
func wrongType(err error) error {
	if strings.Contains(err.Error(), "WRONGTYPE") {
		return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	return err
}

// failed returns the error of an operation, nil if there is none. If the
// context has ended it is the context's.
func failed(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if cause := ctx.Err(); cause != nil {
		err = cause
	}
	return fmt.Errorf("redisstore: %s: %w", what, err)
}
