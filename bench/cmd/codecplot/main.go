// Command codecplot reads what the benchmarks of the codecs print, draws
// codecs-light.svg and codecs-dark.svg, and prints a table in Markdown.
//
//	go test -run '^$' -bench Codecs -count 6 . | go run ./cmd/codecplot -out ../docs/img
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/sesame-go/sesame/bench/internal/results"
)

func main() {
	out := flag.String("out", ".", "the `directory` to write codecs-light.svg and codecs-dark.svg to")
	command := flag.String("command", "go test -run '^$' -bench Codecs .", "the `command` that was run, to be named in what is written")
	note := flag.String("note", "", "a `remark` on the machine, such as: shared with other work")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *out, *command, *note); err != nil {
		fmt.Fprintln(os.Stderr, "codecplot:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, table io.Writer, out, command, note string) error {
	set, err := results.Parse(in)
	if err != nil {
		return err
	}
	c, err := compare(set)
	if err != nil {
		return err
	}
	c.machine = fmt.Sprintf("%s, %s/%s, %s", set.CPU, set.GOOS, set.GOARCH, runtime.Version())
	if note != "" {
		c.machine += ", " + note
	}
	c.command = command
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	if err := c.figure().WriteFiles(filepath.Join(out, "codecs")); err != nil {
		return err
	}
	return c.writeTable(table)
}
