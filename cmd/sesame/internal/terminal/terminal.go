// Package terminal is how cmd/sesame speaks with people: text that no terminal
// takes for a command, tables as wide as the window, questions and a progress
// bar.
package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// IsTerminal reports whether a stream is a terminal.
func IsTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Width returns how many columns a stream has, 0 if it is no terminal.
func Width(stream any) int {
	if f, ok := stream.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 0
}

// Errors of [Ask].
var (
	ErrDeclined   = errors.New("nothing is changed")
	ErrNoTerminal = errors.New("stdin is no terminal, so that you cannot be asked: say --yes to do it")
)

// Ask asks a question on stderr and returns nil if the answer is yes. It returns
// [ErrDeclined] for any other, [ErrNoTerminal] if stdin is none, and the
// context's error when that ends.
func Ask(ctx context.Context, stdin io.Reader, stderr io.Writer, question string) error {
	if !IsTerminal(stdin) {
		return ErrNoTerminal
	}
	fmt.Fprintf(stderr, "%s [y/N] ", question)
	answer := make(chan string, 1)
	go func() { // a read cannot be interrupted
		line, _ := bufio.NewReader(stdin).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(stderr)
		return ctx.Err()
	case a := <-answer:
		if a == "y" || a == "yes" {
			return nil
		}
		return ErrDeclined
	}
}
