package killtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"time"
)

// KillProcess starts a process that runs [Work] and reports to its standard output,
// kills it at a random moment soon after the first report, and records the reports.
func (l *Ledger) KillProcess(cmd *exec.Cmd, soon time.Duration) error {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	first := make([]byte, 1)
	_, err = io.ReadFull(out, first)
	timer := time.AfterFunc(rand.N(soon), func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err == nil {
		err = l.read(io.MultiReader(bytes.NewReader(first), out))
	}
	if ended := cmd.Wait(); ended == nil {
		err = errors.Join(err, errors.New("killtest: the process ended before it was killed"))
	} else if err != nil {
		err = fmt.Errorf("%w; %w", err, ended)
	}
	return err
}

// KillServer runs [Work] on a store, calls kill to kill its server at a random moment
// soon after the first report, and records the reports. The caller must start the
// server again before [Ledger.Check].
func (l *Ledger) KillServer(ctx context.Context, s Store, soon time.Duration, kill func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	told := &firstWord{begun: make(chan struct{})}
	done := make(chan error)
	go func() { done <- Work(ctx, s, l.kills, told) }()
	select {
	case <-told.begun:
	case <-ctx.Done():
	}
	time.Sleep(rand.N(soon))
	kill()
	cancel() // otherwise a call may wait until the server is back
	wrong := <-done
	return errors.Join(wrong, l.read(&told.all))
}

// firstWord is a buffer that signals the first write to it.
type firstWord struct {
	all   bytes.Buffer
	begun chan struct{}
}

func (b *firstWord) Write(p []byte) (int, error) {
	if b.all.Len() == 0 {
		close(b.begun)
	}
	return b.all.Write(p)
}
