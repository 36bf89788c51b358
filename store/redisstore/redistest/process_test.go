package redistest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// roles returns what this program does as another process. A role reads lines
// from orders until they end and answers each with a line.
func roles() map[string]func(t testing.TB, p part, orders *bufio.Scanner) {
	return map[string]func(t testing.TB, p part, orders *bufio.Scanner){"savers": playSavers, "logouts": playLogouts}
}

const roleVariable = "REDISTEST_ROLE"

// A part is what another process has to know.
type part struct {
	Role    string
	Adapter string
	Kind    string
	Addrs   []string
	Prefix  string
	Savers  int
}

// play plays a part, which is given in JSON.
func play(text string) {
	t := alone{}
	var p part
	require.NoError(t, json.Unmarshal([]byte(text), &p))
	roles()[p.Role](t, p, bufio.NewScanner(os.Stdin))
}

// adapter returns the part's adapter.
func (p part) adapter() adapter {
	for _, a := range adapters {
		if a.name == p.Adapter {
			return a
		}
	}
	panic("there is no adapter " + p.Adapter)
}

// A process is another one, which plays a part.
type process struct {
	t       testing.TB
	orders  io.Writer
	answers *bufio.Scanner
}

// start starts another process, which ends with the test.
func start(t testing.TB, p part) *process {
	text, err := json.Marshal(p)
	require.NoError(t, err)
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), roleVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	orders, err := cmd.StdinPipe()
	require.NoError(t, err)
	answers, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		orders.Close()
		require.NoError(t, cmd.Wait(), "the other process")
	})
	return &process{t: t, orders: orders, answers: bufio.NewScanner(answers)}
}

// order gives an order and returns the answer.
func (p *process) order(line string) string {
	p.t.Helper()
	_, err := fmt.Fprintln(p.orders, line)
	require.NoError(p.t, err)
	require.True(p.t, p.answers.Scan(), "the other process has ended")
	return p.answers.Text()
}

// alone is the testing.TB of a process without a test. A failure ends it.
type alone struct{ testing.TB }

func (alone) Helper()                           {}
func (alone) Context() context.Context          { return context.Background() }
func (alone) Cleanup(func())                    {}
func (alone) Error(args ...any)                 { alone{}.Fatal(args...) }
func (alone) Errorf(format string, args ...any) { alone{}.Fatalf(format, args...) }
func (alone) FailNow()                          { os.Exit(1) }
func (alone) Fatal(args ...any)                 { alone{}.Fatalf("%s", fmt.Sprint(args...)) }
func (alone) Fatalf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}
