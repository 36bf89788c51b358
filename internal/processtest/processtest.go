// Package processtest runs tests in processes of their own, because they change
// what belongs to a process: its limits, its user, its file systems.
package processtest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

const variable = "SESAME_TEST_SEPARATE" // the test that this process is for

// Own reports whether this process is the test's own. If not, it runs the
// test in one, after prepare, which may be nil, has changed the command.
func Own(t *testing.T, prepare func(*exec.Cmd)) bool {
	t.Helper()
	if here(t) {
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), variable+"="+t.Name())
	if prepare != nil {
		prepare(cmd)
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Fatalf("in a process of its own: %v\n%s", err, out)
	}
	return false
}

func here(t *testing.T) bool { return os.Getenv(variable) == t.Name() }
