// Sesame looks at the sessions in a store, ends them, copies them to another
// store, and checks the store. README.md shows it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/sesame-go/sesame/cmd/sesame/internal/terminal"
)

// Exit codes. README.md and the usage list them.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitFound       = 3
	exitNotThere    = 4
	exitDeclined    = 5
	exitInterrupted = 130
)

// Errors that have an exit code of their own.
var (
	errFound    = errors.New("found") // what was found is printed already
	errNotThere = errors.New("there is no such session; it has ended, or is in another store")
)

// usageError is a command line that cannot be understood.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run carries out a command line and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	quiet()
	c := &call{stdin: stdin, stdout: stdout, stderr: stderr}
	c.log = newLog(stderr, &c.skips)
	err := c.run(ctx, args)
	code := exitCode(ctx, err)
	switch {
	case code == 0 || code == exitFound:
	case errors.Is(err, flag.ErrHelp):
	case code == exitInterrupted:
		fmt.Fprintln(stderr, "sesame: interrupted")
	default:
		fmt.Fprintln(stderr, "sesame:", terminal.Lines(err.Error()))
	}
	return code
}

func exitCode(ctx context.Context, err error) int {
	var usage *usageError
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &usage) || errors.Is(err, terminal.ErrNoTerminal):
		return exitUsage
	case errors.Is(err, errFound):
		return exitFound
	case errors.Is(err, errNotThere):
		return exitNotThere
	case errors.Is(err, terminal.ErrDeclined):
		return exitDeclined
	}
	return exitFailed
}

// run finds the command and opens its store.
func (c *call) run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		fmt.Fprint(c.stderr, usage())
		return usagef("what to do is missing, such as: sesame redis://localhost:6379/0 ls")
	}
	if slices.Contains([]string{"-h", "-help", "--help", "help"}, args[0]) {
		fmt.Fprint(c.stdout, usage())
		return nil
	}
	address := os.Getenv("SESAME_STORE")
	if commandNamed(args[0]) == nil {
		address, args = args[0], args[1:]
	}
	if len(args) == 0 {
		return usagef("the command is missing, one of %s; sesame -h lists them", commandNames())
	}
	cmd := commandNamed(args[0])
	if cmd == nil {
		return usagef("there is no command %s; there are %s", terminal.Text(args[0]), commandNames())
	}
	if err := c.parse(cmd, args[1:]); err != nil {
		return err
	}
	if cmd.pair {
		return cmd.run(ctx, c)
	}
	if address == "" {
		return usagef("the address of the store is missing: sesame ADDRESS %s, or set SESAME_STORE", cmd.name)
	}
	if err := c.open(ctx, address); err != nil {
		return err
	}
	return errors.Join(cmd.run(ctx, c), c.engine.Close())
}
