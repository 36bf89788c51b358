package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/sesame-go/sesame/cmd/sesame/engine"
	"github.com/sesame-go/sesame/cmd/sesame/engine/enginetest"
)

// A window is a terminal in which a shell runs.
type window struct {
	t      testing.TB
	socket string
}

// openWindow opens one of so many columns. The tool is called sesame there.
func openWindow(t *testing.T, columns int) *window {
	t.Helper()
	dir, err := os.MkdirTemp("", "tmux") // the path of a socket must be short
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	tool, err := filepath.Abs(os.Args[0])
	require.NoError(t, err)
	require.NoError(t, os.Symlink(tool, filepath.Join(dir, "sesame")))
	w := &window{t, filepath.Join(dir, "socket")}
	w.tmux("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(columns), "-y", "50",
		"env", "PS1=$ ", "PATH="+dir+":/usr/bin:/bin", "SESAME_TEST_TOOL=1", "sh")
	t.Cleanup(func() { w.tmux("kill-server") })
	w.sees("$")
	return w
}

func (w *window) tmux(args ...string) string {
	w.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-u", "-S", w.socket}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TERM=xterm-256color")
	out, err := cmd.CombinedOutput()
	require.NoError(w.t, err, "tmux %v: %s", args, out)
	return string(out)
}

// types types a line; keys are sent by the names that tmux has for them.
func (w *window) types(line string) { w.tmux("send-keys", "-l", line); w.keys("Enter") }

// runs runs a command on a screen that has nothing else.
func (w *window) runs(command string) {
	w.tmux("send-keys", "-R")
	w.types("clear; " + command + "; echo exit $?")
}

func (w *window) keys(names ...string) {
	w.tmux(append([]string{"send-keys"}, names...)...)
}

// screen returns what is to be seen.
func (w *window) screen() string { return w.tmux("capture-pane", "-p") }

// sees waits until there is a text to be seen.
func (w *window) sees(text string) string {
	w.t.Helper()
	screen := ""
	for range 5000 {
		if screen = w.screen(); strings.Contains(screen, text) {
			return screen
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.t.Fatalf("no %q to be seen:\n%s", text, screen)
	return ""
}

// Questions name what ends; only yes ends it.
func TestQuestion(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "s.sqlite")
	s := openSite(t, address)
	ann := s.logIn("ann")
	s.logIn("bob")
	s.logIn("bob")
	s.close()
	w := openWindow(t, 120)
	w.types("export SESAME_STORE=" + address)

	short := idOf(ann)[:4] + "…" + idOf(ann)[19:]
	for answer, code := range map[string]int{"": exitDeclined, "n": exitDeclined, "yep": exitDeclined} {
		w.runs("sesame revoke " + idOf(ann) + "")
		w.sees("End the session " + short + " of ann, used ")
		w.types(answer)
		w.sees(fmt.Sprintf("exit %d", code))
		require.Contains(t, w.screen(), "sesame: nothing is changed")
	}
	w.runs("sesame revoke " + idOf(ann) + "")
	w.sees("[y/N]")
	w.keys("C-c")
	w.sees("exit 130")
	require.Equal(t, "3 sessions\n", does(t, address, "count"))

	w.runs("sesame revoke " + idOf(ann) + "")
	w.sees("[y/N]")
	w.types("y")
	w.sees("1 session ended.\nexit 0")
	w.runs("sesame revoke-owner bob")
	w.sees("End all 2 sessions of bob? [y/N]")
	w.types("yes")
	w.sees("2 sessions ended.")
	require.Equal(t, "0 sessions\n", does(t, address, "count"))
	w.runs("sesame ls")
	w.sees("No sessions in")
}

// In a narrow window the table leaves out columns, and never wraps.
func TestNarrowWindow(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "s.sqlite")
	s := openSite(t, address)
	s.logIn("ann")
	s.logIn("漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字")
	s.logIn("\x1b[31mred\x1b[2J")
	id := idOf(s.logIn(strings.Repeat("long ", 20)))
	s.close()
	for columns, want := range map[int][]string{
		120: {"OWNER", "LOG-IN", "USED", "ENDS", "BYTES", `"\x1b[31mred\x1b[2J"`},
		80:  {"OWNER", "LOG-IN", "USED", "ENDS", "BYTES"},
		60:  {"OWNER", "USED", "ENDS"},
		40:  {"OWNER"},
		24:  {},
	} {
		w := openWindow(t, columns)
		w.types("export SESAME_STORE=" + address)
		w.runs("sesame ls")
		screen := w.sees("4 sessions")
		require.Contains(t, screen, id, "%d columns", columns)
		_, below, _ := strings.Cut("\n"+screen, "\nID")
		table := strings.Split("ID"+below, "\n")
		require.Contains(t, table[5], "4 sessions", "a row takes a line:\n%s", screen)
		for _, column := range []string{"OWNER", "LOG-IN", "USED", "ENDS", "BYTES"} {
			require.Equal(t, contains(want, column), strings.Contains(table[0], column), "%d columns: %s", columns, table[0])
		}
		for _, line := range table {
			require.LessOrEqual(t, runewidth.StringWidth(line), columns)
		}
		for _, text := range want {
			require.Contains(t, screen, text)
		}
		w.runs("sesame doctor")
		w.sees("index: finds")
	}
}

// empty removes a test's sessions from the server that others use too.
func empty(t testing.TB, address string) {
	t.Cleanup(func() {
		e, err := engine.Open(context.Background(), address, nil)
		require.NoError(t, err)
		defer e.Close()
		var group errgroup.Group
		group.SetLimit(64)
		for k, err := range e.Keys(context.Background()) {
			require.NoError(t, err)
			group.Go(func() error { return e.Store.Delete(context.Background(), k) })
		}
		require.NoError(t, group.Wait())
	})
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}

// ls streams a hundred thousand sessions, in little memory.
func TestHundredThousand(t *testing.T) {
	many, few := enginetest.Redis(t), enginetest.Redis(t)
	empty(t, many)
	const n = 100_000
	saveMany(t, openSite(t, many).engine.Store, n)
	saveMany(t, openSite(t, few).engine.Store, 1000)

	lines, base := listing(t, few)
	require.GreaterOrEqual(t, lines, 1001) // Redis may yield one twice
	lines, most := listing(t, many)
	require.GreaterOrEqual(t, lines, n+1)
	require.Less(t, most-base, 64<<20, "100 MB of sessions are held")
	t.Logf("ls: %d MiB for a thousand sessions, %d MiB for a hundred thousand", base>>20, most>>20)

	// head closes the pipe after the first lines, which ends ls.
	out, err := exec.Command("sh", "-c", `SESAME_TEST_TOOL=1 "$0" "$1" ls | head -n 2`, os.Args[0], many).Output()
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(out), "\n"))
}

// copy shows a bar, can be interrupted, and goes on when it is run again.
func TestProgress(t *testing.T) {
	from, to := enginetest.Redis(t), enginetest.Redis(t)
	const n = 20_000
	saveMany(t, openSite(t, from).engine.Store, n)
	w := openWindow(t, 80)
	w.runs("sesame copy '" + from + "' '" + to + "'")
	require.Regexp(t, `copied █*░*\s+\d+%  [\d,]+ of 20,000, \d+ (s|min|h) left`, w.sees(" left"))
	w.keys("C-c")
	screen := w.sees("exit 130")
	require.Contains(t, screen, "copied so far; run it again to go on.")
	require.NotContains(t, screen, "░", "the bar is gone")
	there := len(content(t, to))
	require.Positive(t, there)
	require.Less(t, there, n)
	w.runs("sesame copy '" + from + "' '" + to + "'")
	require.Contains(t, w.sees("exit 0"), "20,000  are equal in both")
}

// listing runs ls in a process of its own, and returns how many lines it has
// printed and how much memory it has used.
func listing(t testing.TB, address string) (lines, memory int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], address, "ls")
	cmd.Env = append(os.Environ(), "SESAME_TEST_TOOL=1")
	out, err := cmd.Output()
	require.NoError(t, err)
	return strings.Count(string(out), "\n"), int(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) << 10
}
