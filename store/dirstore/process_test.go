package dirstore_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
)

// The tests here run processes of their own: this binary, which finds in its
// environment what it is to do.
const roleVariable = "DIRSTORE_TEST_ROLE"

// roles do their work on the directory args[0].
var roles = map[string]func(args []string) error{
	"count": count,
	"churn": churn,
}

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := roles[role](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// process returns the command of a process with a role.
func process(t *testing.T, role string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	return cmd
}

// count increases the number under key 0 so many times.
func count(args []string) error {
	s, err := dirstore.Open(args[0])
	if err != nil {
		return err
	}
	times, err := strconv.Atoi(args[1])
	for done := 0; err == nil && done < times; {
		var r store.Record
		if r, err = s.Load(ctx, key(0)); err != nil {
			break
		}
		n, _ := strconv.Atoi(string(r.Data))
		r.Data = []byte(strconv.Itoa(n + 1))
		_, err = s.Save(ctx, key(0), r)
		if err == nil {
			done++
		} else if isConflict(err) {
			err = nil
		}
	}
	return err
}

func TestProcessesCount(t *testing.T) {
	const processes, each = 4, 50
	dir := t.TempDir()
	s := open(t, dir)
	save(t, s, key(0), record("0"))
	var cmds []*exec.Cmd
	for range processes {
		cmd := process(t, "count", dir, strconv.Itoa(each))
		require.NoError(t, cmd.Start())
		cmds = append(cmds, cmd)
	}
	for _, cmd := range cmds {
		require.NoError(t, cmd.Wait())
	}
	r, err := s.Load(t.Context(), key(0))
	require.NoError(t, err)
	assert.Equal(t, strconv.Itoa(processes*each), string(r.Data))
}

// churn works on its own few keys until it is killed. Before each call it
// prints what it is about to do, after it that it is done. A line is
//
//	try|ok save|delete|rotate KEY VALUE [TO]
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
		k, to := rnd.IntN(churnKeys), rnd.IntN(churnKeys)
		value := fmt.Sprintf("%d.%d", round, n)
		r, err := s.Load(ctx, key(k))
		exists := err == nil
		if err != nil && !isNotFound(err) {
			return err
		}
		r.Expires = time.Now().Add(time.Hour)
		r.Owner = "owner of " + value
		r.Data = []byte(strings.Repeat(value+" ", 200))
		_, err = s.Load(ctx, key(to))
		free := isNotFound(err)
		what, do := fmt.Sprintf("save %d %s", k, value), func() error {
			_, err := s.Save(ctx, key(k), r)
			return err
		}
		switch op := rnd.IntN(10); {
		case op < 2 && exists:
			what, do = fmt.Sprintf("delete %d -", k), func() error { return s.Delete(ctx, key(k)) }
		case op < 6 && exists && free:
			what, do = fmt.Sprintf("rotate %d %s %d", k, value, to), func() error {
				_, err := s.Rotate(ctx, key(k), key(to), r)
				return err
			}
		}
		fmt.Println("try", what)
		if err := do(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		fmt.Println("ok", what)
	}
}

const churnKeys = 8

// apply returns what a state of the keys becomes by one of churn's lines.
func apply(state [churnKeys]string, what []string) [churnKeys]string {
	k, _ := strconv.Atoi(what[1])
	switch what[0] {
	case "save":
		state[k] = what[2]
	case "delete":
		state[k] = ""
	case "rotate":
		to, _ := strconv.Atoi(what[3])
		state[k], state[to] = "", what[2]
	}
	return state
}

// TestKill kills a process that saves, deletes and rotates, over and over. What
// is there afterwards is what it said it had done, and what it was doing is
// done or not done, as a whole.
func TestKill(t *testing.T) {
	kills := 120
	if testing.Short() {
		kills = 10
	}
	dir := t.TempDir()
	s := open(t, dir)
	var state [churnKeys]string
	acknowledged, halfway := 0, 0
	for round := range kills {
		cmd := process(t, "churn", dir, strconv.Itoa(round))
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines := bufio.NewReader(out)
		first, err := lines.ReadString('\n')
		require.NoError(t, err)
		time.AfterFunc(time.Duration(rand.IntN(100_000))*time.Microsecond, func() { cmd.Process.Kill() })
		rest, err := io.ReadAll(lines)
		require.NoError(t, err)
		_ = cmd.Wait()

		trying := []string(nil)
		for line := range strings.Lines(first + string(rest)) {
			if !strings.HasSuffix(line, "\n") {
				break
			}
			words := strings.Fields(line)
			trying = words[1:]
			if words[0] == "ok" {
				state = apply(state, trying)
				trying = nil
				acknowledged++
			}
		}
		got := observe(t, s)
		if trying != nil && got != state {
			halfway++
			state = apply(state, trying)
		}
		require.Equal(t, state, got, "after %d kills, the last while it did %v", round+1, trying)
		checkOwners(t, s, state)
	}
	t.Logf("%d kills, %d calls acknowledged, %d done and not acknowledged", kills, acknowledged, halfway)
}

// observe returns the value under each key and sees that no record is torn.
func observe(t *testing.T, s *dirstore.Store) (state [churnKeys]string) {
	t.Helper()
	for k := range churnKeys {
		r, err := s.Load(t.Context(), key(k))
		if isNotFound(err) {
			continue
		}
		require.NoError(t, err)
		value, _, _ := strings.Cut(string(r.Data), " ")
		require.Equal(t, strings.Repeat(value+" ", 200), string(r.Data), "torn")
		require.Equal(t, "owner of "+value, r.Owner)
		state[k] = value
	}
	return state
}

// checkOwners sees that the index knows of every session.
func checkOwners(t *testing.T, s *dirstore.Store, state [churnKeys]string) {
	t.Helper()
	for k, value := range state {
		if value == "" {
			continue
		}
		found := false
		for owned, err := range s.Owned(t.Context(), "owner of "+value) {
			require.NoError(t, err)
			found = found || owned == key(k)
		}
		require.True(t, found, "the owner of %s does not have it", value)
	}
}
