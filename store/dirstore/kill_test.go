package dirstore_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
)

const churnKeys = 8

var churnOwners = []string{"ann", "bob", ""}

// A session is what is under one of churn's keys: nothing if value is "".
type session struct{ value, owner string }

// churn works on a few keys until it is killed. Before each call it prints what
// it is about to do, and after it that it is done. A line is
//
//	try|ok save|renew|touch|delete|revoke KEY VALUE OWNER
func churn(args []string) error {
	s, err := dirstore.Open(args[0])
	if err != nil {
		return err
	}
	round, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	rnd := rand.New(rand.NewPCG(uint64(round), 1))
	for n := 0; ; n++ {
		k := rnd.IntN(churnKeys)
		r, err := s.Load(ctx, key(k))
		if err != nil && !isNotFound(err) {
			return err
		}
		value := fmt.Sprintf("%d.%d", round, n)
		r.Expires = time.Now().Add(time.Hour)
		r.Data = []byte(strings.Repeat(value+" ", 200))
		what, do := "save", func() error {
			_, err := s.Save(ctx, key(k), r)
			return err
		}
		switch op := rnd.IntN(20); {
		case op < 6: // a log-in
			what, r.Durable, r.Owner = "renew", true, churnOwners[rnd.IntN(len(churnOwners))]
		case op < 9:
			what, do = "touch", func() error { return s.Touch(ctx, key(k), r.Expires.Add(time.Hour)) }
		case op < 12: // a log-out
			what, do = "delete", func() error { return s.Delete(ctx, key(k)) }
		case op == 12:
			r.Owner = churnOwners[rnd.IntN(2)]
			what, do = "revoke", func() error {
				_, err := s.DeleteOwned(ctx, r.Owner)
				return err
			}
		}
		what = fmt.Sprintf("%s %d %s %q", what, k, value, r.Owner)
		fmt.Println("try", what)
		if err := do(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		fmt.Println("ok", what)
	}
}

// apply carries out one of churn's lines.
func apply(state *[churnKeys]session, what []string) {
	k, _ := strconv.Atoi(what[1])
	owner, _ := strconv.Unquote(what[3])
	switch what[0] {
	case "save", "renew":
		state[k] = session{what[2], owner}
	case "delete":
		state[k] = session{}
	case "revoke":
		for k := range state {
			if state[k].owner == owner {
				state[k] = session{}
			}
		}
	}
}

// TestKill kills a process that saves, renews, logs out and revokes, over and
// over. What is there afterwards is what it said it had done. What it was doing
// is done or not done, for each session as a whole.
func TestKill(t *testing.T) {
	kills := 120
	if testing.Short() {
		kills = 10
	}
	s := open(t, t.TempDir())
	var state [churnKeys]session
	acknowledged, halfway := 0, 0
	for round := range kills {
		cmd := process(t, "churn", s.Path(), strconv.Itoa(round))
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewReader(out)
		first, err := lines.ReadString('\n')
		require.NoError(t, err)
		time.AfterFunc(time.Duration(rand.IntN(20_000))*time.Microsecond, func() { cmd.Process.Kill() })
		rest, err := io.ReadAll(lines)
		require.NoError(t, err)
		_ = cmd.Wait()

		var trying []string
		for line := range strings.Lines(first + string(rest)) {
			if !strings.HasSuffix(line, "\n") {
				break
			}
			words := strings.Fields(line)
			trying = words[1:]
			if words[0] == "ok" {
				apply(&state, trying)
				trying = nil
				acknowledged++
			}
		}
		got := observe(t, s)
		if trying != nil {
			done := state
			apply(&done, trying)
			for k := range got {
				if got[k] != state[k] && got[k] == done[k] {
					state[k] = done[k]
					halfway++
				}
			}
		}
		require.Equal(t, state, got, "after %d kills, the last while it did %v", round+1, trying)
		checkOwners(t, s, state)
	}

	// What was half done is not left for good.
	for _, f := range temporary(t, s) {
		old := time.Now().Add(-2 * time.Hour)
		require.NoError(t, os.Chtimes(filepath.Join(s.Path(), "tmp", f.Name()), old, old))
	}
	_, err := s.Sweep(t.Context(), 1)
	require.NoError(t, err)
	require.Empty(t, temporary(t, s))
	for _, owner := range churnOwners {
		_, err := s.DeleteOwned(t.Context(), owner)
		require.NoError(t, err)
	}
	require.Empty(t, files(t, filepath.Join(s.Path(), "own")))
	t.Logf("%d kills, %d calls acknowledged, %d sessions changed and not acknowledged", kills, acknowledged, halfway)
}

// observe returns the session under each key and sees that none is torn.
func observe(t *testing.T, s *dirstore.Store) (state [churnKeys]session) {
	t.Helper()
	for k := range churnKeys {
		r, err := s.Load(t.Context(), key(k))
		if isNotFound(err) {
			continue
		}
		require.NoError(t, err)
		value, _, _ := strings.Cut(string(r.Data), " ")
		require.Equal(t, strings.Repeat(value+" ", 200), string(r.Data), "torn")
		state[k] = session{value, r.Owner}
	}
	return state
}

// checkOwners sees that the index finds each owner's sessions and no others.
func checkOwners(t *testing.T, s *dirstore.Store, state [churnKeys]session) {
	t.Helper()
	for _, owner := range churnOwners[:2] {
		var got [churnKeys]bool
		for e, err := range s.Owned(t.Context(), owner) {
			require.NoError(t, err)
			for k := range got {
				got[k] = got[k] || e.Key == key(k)
			}
		}
		for k, session := range state {
			require.Equal(t, session.owner == owner, got[k], "%s and session %d", owner, k)
		}
	}
}

func isConflict(err error) bool { return errors.Is(err, store.ErrConflict) }

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }
