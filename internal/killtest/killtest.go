// Package killtest tests whether a store keeps every acknowledged change when its
// process or its server is killed. [Work] changes sessions, and reports each call
// before it makes it and after it is answered. A [Ledger] records the reports and
// compares them with the store's records after the kill.
package killtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sesame-go/sesame/store"
)

// A Store has all methods that [Work] and [Ledger.Check] call.
type Store interface {
	store.Store
	store.OwnerIndex
}

// Kills returns how often a test kills: normal, or the number that scripts/soak has
// set in SESAME_SOAK_KILLS.
func Kills(normal int) int { return number("SESAME_SOAK_KILLS", normal) }

// Flips returns how many bits a test flips: normal, or the number that scripts/soak
// has set in SESAME_SOAK_FLIPS.
func Flips(normal int) int { return number("SESAME_SOAK_FLIPS", normal) }

func number(variable string, normal int) int {
	text, ok := os.LookupEnv(variable)
	if !ok {
		return normal
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		panic(fmt.Sprintf("killtest: %s is %q: it must be a positive number", variable, text))
	}
	return n
}

// Each worker has its own sessions and owners, so that its calls take effect in the
// order in which it makes them.
const workers, keysEach, ownersEach = 8, 6, 2

func keyOf(worker, n int) store.Key {
	return store.Key{0: byte(worker*keysEach + n), 15: byte(worker)}
}

func ownerOf(worker, n int) string { return fmt.Sprintf("owner-%d-%d", worker, n) }

// Owners returns the owners of all sessions that [Work] saves.
func Owners() (all []string) {
	for w := range workers {
		for n := range ownersEach {
			all = append(all, ownerOf(w, n))
		}
	}
	return all
}

// A step is a call of a worker.
type step struct {
	what   string // "save", "renew", "touch", "delete" or "revoke"
	worker int
	key    int
	value  string // of the session afterwards
	owner  string // of the session afterwards, or of the revoked sessions
}

func (x step) String() string {
	return fmt.Sprintf("%d %s %d %s %q", x.worker, x.what, x.key, x.value, x.owner)
}

func parseStep(text string) (x step, err error) {
	_, err = fmt.Sscanf(text, "%d %s %d %s %q", &x.worker, &x.what, &x.key, &x.value, &x.owner)
	if err == nil && (x.worker < 0 || x.worker >= workers || x.key < 0 || x.key >= keysEach) {
		err = errors.New("no such worker or session")
	}
	return x, err
}

// Work changes sessions until ctx ends or calls no longer succeed, and writes the
// reports that a [Ledger] reads to out. It returns an error if an answer is wrong; a
// call without an answer is no error.
//
// Round must differ for each call of Work on the same store, so that no value of a
// session repeats.
func Work(ctx context.Context, s Store, round int, out io.Writer) error {
	var mu sync.Mutex
	say := func(format string, args ...any) {
		line := fmt.Sprintf(format+"\n", args...)
		mu.Lock()
		defer mu.Unlock()
		_, _ = io.WriteString(out, line) // in one call, so that a kill can only cut the last line short
	}
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(round), uint64(w)))
			for n := 0; ctx.Err() == nil; n++ {
				x := step{worker: w, key: rnd.IntN(keysEach), value: fmt.Sprintf("%d.%d.%d", round, w, n)}
				if err := x.take(ctx, s, rnd, say); err != nil {
					if isAnswer(err) {
						errs[w] = fmt.Errorf("%v: %w", x, err)
					}
					say("unanswered %d %v", w, err)
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// take chooses what the step does and does it.
func (x *step) take(ctx context.Context, s Store, rnd *rand.Rand, say func(string, ...any)) error {
	k := keyOf(x.worker, x.key)
	r, err := s.Load(ctx, k)
	exists := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	r.Expires = time.Now().Add(24 * time.Hour)
	r.Data = []byte(strings.Repeat(x.value+" ", 20+rnd.IntN(200)))
	x.what = "save"
	switch chance := rnd.IntN(20); {
	case chance < 2:
		x.what, x.owner = "revoke", ownerOf(x.worker, rnd.IntN(ownersEach))
	case !exists || chance < 8:
	case chance < 13: // a log-in
		x.what, r.Durable, r.Owner = "renew", true, ""
		if n := rnd.IntN(ownersEach + 1); n < ownersEach {
			r.Owner = ownerOf(x.worker, n)
		}
	case chance < 15:
		x.what = "touch"
	default: // a log-out
		x.what = "delete"
	}
	if x.what != "revoke" {
		x.owner = r.Owner
	}

	say("try %v", x)
	switch x.what {
	case "touch":
		err = s.Touch(ctx, k, r.Expires.Add(time.Hour))
	case "delete":
		err = s.Delete(ctx, k)
	case "revoke":
		_, err = s.DeleteOwned(ctx, x.owner)
	default:
		_, err = s.Save(ctx, k, r)
	}
	if err == nil {
		say("ok %d", x.worker)
	}
	return err
}

// isAnswer reports whether err says something about a session. No other worker uses
// the session, so such an error is a wrong answer.
func isAnswer(err error) bool {
	for _, answer := range []error{store.ErrConflict, store.ErrNotFound, store.ErrCorrupt, store.ErrFull} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}
