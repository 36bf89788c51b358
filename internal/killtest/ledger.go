package killtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/sesame-go/sesame/store"
)

// A Ledger records the reports of [Work] across any number of kills, and knows what
// the store must contain. Its zero value is the ledger of an empty store. It is not
// safe for concurrent use.
type Ledger struct {
	kills      int
	answered   map[string]int // number of answered calls, by step.what
	unanswered int            // number of calls without an answer
	kept       int            // number of sessions compared after kills

	sessions map[store.Key]session // after all answered calls
	trying   map[int]step          // by worker: the last call, if it was not answered
}

// A session is the record under a key.
type session struct{ value, owner string }

// More reports whether a test that wants the given number of kills must continue:
// until there were as many kills and, in case the disk is slow, as many answered
// calls.
func (l *Ledger) More(kills int) bool {
	return l.kills < kills || l.Answered() < kills && l.kills < 20*kills
}

// Answered returns how many calls were answered.
func (l *Ledger) Answered() (n int) {
	for _, calls := range l.answered {
		n += calls
	}
	return n
}

// Report returns the figures of an engine as a row of the table that scripts/soak
// prints. The number of lost sessions is always zero: otherwise [Ledger.Check] has
// failed.
func (l *Ledger) Report(engine string) string {
	return fmt.Sprintf("soak: | %s | %d | %d | %d | %d | %d | %d | %d | %d | 0 |", engine, l.kills, l.answered["save"],
		l.answered["renew"], l.answered["touch"], l.answered["delete"], l.answered["revoke"], l.unanswered, l.kept)
}

// read reads what [Work] wrote until it was killed.
func (l *Ledger) read(told io.Reader) error {
	if l.sessions == nil {
		l.sessions, l.answered = make(map[store.Key]session), make(map[string]int)
	}
	l.kills++
	l.trying = make(map[int]step)
	for lines := bufio.NewReader(told); ; {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) { // the kill has cut the last line short
			l.unanswered += len(l.trying)
			return nil
		}
		if err != nil {
			return err
		}
		word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch word {
		case "try":
			x, err := parseStep(rest)
			if err != nil {
				return fmt.Errorf("killtest: the line %q: %w", line, err)
			}
			l.trying[x.worker] = x
		case "ok":
			var w int
			if _, err := fmt.Sscan(rest, &w); err != nil {
				return fmt.Errorf("killtest: the line %q: %w", line, err)
			}
			x := l.trying[w]
			delete(l.trying, w)
			l.answered[x.what]++
			x.apply(l.sessions)
		case "unanswered":
		default:
			return fmt.Errorf("killtest: the worker says %q", line)
		}
	}
}

// apply changes sessions as the step does.
func (x step) apply(sessions map[store.Key]session) {
	switch x.what {
	case "save", "renew":
		sessions[keyOf(x.worker, x.key)] = session{x.value, x.owner}
	case "delete":
		delete(sessions, keyOf(x.worker, x.key))
	case "revoke":
		maps.DeleteFunc(sessions, func(_ store.Key, has session) bool { return has.owner == x.owner })
	}
}

// Check returns an error unless s has kept every answered change. A call without an
// answer may have taken effect or not, for each session that it changes. The owner
// index must have exactly the sessions of each owner. Check repeats a call without
// an answer until ctx ends.
func (l *Ledger) Check(ctx context.Context, s Store) error {
	for w := range workers {
		undecided := maps.Clone(l.sessions)
		if x, ok := l.trying[w]; ok {
			x.apply(undecided)
		}
		for n := range keysEach {
			k := keyOf(w, n)
			got, err := look(ctx, s, k)
			if err != nil {
				return fmt.Errorf("after %d kills, session %d of worker %d: %w", l.kills, n, w, err)
			}
			if got != l.sessions[k] && got != undecided[k] {
				return fmt.Errorf("after %d kills, session %d of worker %d is %+v, want %+v; its last call without an answer: %v",
					l.kills, n, w, got, l.sessions[k], l.trying[w])
			}
			if got == (session{}) {
				delete(l.sessions, k)
				continue
			}
			l.sessions[k] = got
			l.kept++
		}
		for n := range ownersEach {
			if err := l.checkOwner(ctx, s, ownerOf(w, n)); err != nil {
				return fmt.Errorf("after %d kills, %s: %w; the last call without an answer: %v", l.kills, ownerOf(w, n), err, l.trying[w])
			}
		}
	}
	return nil
}

// look loads the session under a key.
func look(ctx context.Context, s Store, k store.Key) (session, error) {
	var r store.Record
	err := repeat(ctx, func(ctx context.Context) (err error) {
		r, err = s.Load(ctx, k)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return session{}, nil
	}
	if err != nil {
		return session{}, err
	}
	value, _, _ := strings.Cut(string(r.Data), " ")
	if whole := value + " "; string(r.Data) != strings.Repeat(whole, len(r.Data)/len(whole)) {
		return session{}, fmt.Errorf("it is torn: %.200q", r.Data)
	}
	return session{value, r.Owner}, nil
}

func (l *Ledger) checkOwner(ctx context.Context, s Store, owner string) error {
	want := make(map[store.Key]bool)
	for k, has := range l.sessions {
		if has.owner == owner {
			want[k] = true
		}
	}
	var got map[store.Key]bool
	err := repeat(ctx, func(ctx context.Context) error {
		got = make(map[store.Key]bool)
		for e, err := range s.Owned(ctx, owner) {
			if err != nil {
				return err
			}
			got[e.Key] = true
		}
		return nil
	})
	if err == nil && !maps.Equal(got, want) {
		err = fmt.Errorf("the index has the sessions %v, want %v", got, want)
	}
	return err
}

// repeat makes a call until it is answered or ctx ends.
func repeat(ctx context.Context, call func(context.Context) error) error {
	for {
		brief, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := call(brief)
		cancel()
		if err == nil || isAnswer(err) || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}
