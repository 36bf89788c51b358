package dirstore_test

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store/dirstore"
)

// Some tests run processes of their own: this binary, which finds in its
// environment which of the roles it has.
const roleVariable = "DIRSTORE_TEST_ROLE"

// roles do their work on the directory args[0].
var roles = map[string]func(args []string) error{
	"count":  count,
	"churn":  churn,
	"remake": remake,
}

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); roles[role] != nil {
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
		r, err := s.Load(ctx, key(0))
		if err != nil {
			return err
		}
		n, _ := strconv.Atoi(string(r.Data))
		r.Data = []byte(strconv.Itoa(n + 1))
		switch _, err = s.Save(ctx, key(0), r); {
		case err == nil:
			done++
		case !isConflict(err):
			return err
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
