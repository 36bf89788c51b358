package natstest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/killtest"
)

const serverEnv = "NATSTEST_SERVER" // port and directory of a server in a process of its own

// serve runs a server until its standard input ends.
func serve(where string) error {
	opts := options("")
	if _, err := fmt.Sscanf(where, "%d %s", &opts.Port, &opts.StoreDir); err != nil {
		return err
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return err
	}
	srv.Start()
	if !srv.ReadyForConnections(20 * time.Second) {
		return errors.New("the server does not start")
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// startServer runs a server as a process, which can be killed, and waits until it
// is there. The process ends with the test.
func startServer(t *testing.T, port int, dir string) (kill func()) {
	kill, err := launchServer(t, port, dir)
	require.NoError(t, err)
	return kill
}

// launchServer is startServer for a server that may not start.
func launchServer(t *testing.T, port int, dir string) (kill func(), err error) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", serverEnv, port, dir))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = in.Close()
	}
	t.Cleanup(kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err == nil && line != "ready\n" {
		err = errors.New(line)
	}
	return kill, err
}

// TestKill kills a server over and over in the midst of saves, renewals, log-outs
// and revocations, and finds after each start what was acknowledged.
func TestKill(t *testing.T) {
	t.Parallel()
	kills := killtest.Kills(3)
	port, dir := freePort(t), t.TempDir()
	kill := startServer(t, port, dir)
	s := open(t, connect(t, fmt.Sprintf("nats://127.0.0.1:%d", port)))
	var l killtest.Ledger
	for l.More(kills) {
		require.NoError(t, l.KillServer(t.Context(), s, 100*time.Millisecond, kill))
		kill = startServer(t, port, dir)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		require.NoError(t, l.Check(ctx, s))
		cancel()
	}
	t.Log(l.Report("natsstore"))
}
