package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/sesame-go/sesame/cmd/sesame/engine"
	"github.com/sesame-go/sesame/store"
)

// A command is what the tool can do.
type command struct {
	name  string
	args  string // how they are written
	min   int    // of arguments
	max   int    // -1: any number
	ids   bool   // arguments are IDs, which may begin with a hyphen
	pair  bool   // arguments are the addresses, FROM and TO
	short string // what it does, in a line
	long  string
	flags func(*flag.FlagSet, *call)
	run   func(context.Context, *call) error
}

// commands returns all of them.
func commands() []*command {
	return []*command{lsCommand, showCommand, revokeCommand, revokeOwnerCommand, countCommand, sweepCommand, doctorCommand, copyCommand}
}

func commandNamed(name string) *command {
	i := slices.IndexFunc(commands(), func(c *command) bool { return c.name == name })
	if i < 0 {
		return nil
	}
	return commands()[i]
}

func commandNames() string {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// line returns how a command is written.
func (cmd *command) line() string {
	words := []string{"sesame", "ADDRESS", cmd.name, cmd.args}
	if cmd.pair {
		words = []string{"sesame", cmd.name, cmd.args}
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

func usage() string {
	var b strings.Builder
	b.WriteString("sesame looks at the sessions in a store of github.com/sesame-go/sesame, and ends them.\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-44s %s\n", c.line(), c.short)
	}
	b.WriteString(`
ADDRESS is one of these; without it, it is $SESAME_STORE, which hides a password
from the list of processes:
` + engine.Forms + `
Add ?table=NAME, ?prefix=NAME or ?bucket=NAME if the program has changed it. For
sessions of package sealed set SESAME_SEALED_KEYS to the keys in base64, with
commas between. sesame ADDRESS COMMAND -h says more of a command.

Exit codes: 0 done; 1 the store or the tool failed, what was done before that
stays; 2 the command line is wrong, or a question needs a terminal or --yes;
3 doctor found a problem, or copy found sessions that differ; 4 there is no such
session; 5 you said no; 130 interrupted.
`)
	return b.String()
}

// parse reads the flags and arguments of a command. Flags may come after
// arguments.
func (c *call) parse(cmd *command, args []string) error {
	set := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	set.SetOutput(&strings.Builder{})
	set.BoolVar(&c.json, "json", false, "print JSON, for scripts")
	if cmd.flags != nil {
		cmd.flags(set, c)
	}
	set.Usage = func() {}
	if cmd.ids {
		isID := func(arg string) bool { _, err := store.ParseKey(arg); return err == nil }
		for _, arg := range args {
			if isID(arg) {
				c.args = append(c.args, arg)
			}
		}
		args = slices.DeleteFunc(slices.Clone(args), isID)
	}
	for len(args) > 0 {
		if err := set.Parse(args); err == flag.ErrHelp { //nolint:errorlint // set returns it bare
			fmt.Fprintf(c.stdout, "%s\n\n%s\n\n", cmd.line(), strings.TrimSpace(cmd.long))
			set.VisitAll(func(f *flag.Flag) {
				value, does := flag.UnquoteUsage(f)
				fmt.Fprintf(c.stdout, "  --%-16s %s\n", strings.TrimSpace(f.Name+" "+value), does)
			})
			return flag.ErrHelp
		} else if err != nil {
			return usagef("%s: %v; it is written: %s", cmd.name, err, cmd.line())
		}
		if args = set.Args(); len(args) > 0 {
			c.args = append(c.args, args[0])
			args = args[1:]
		}
	}
	if n := len(c.args); n < cmd.min || cmd.max >= 0 && n > cmd.max {
		return usagef("%s: it is written: %s", cmd.name, cmd.line())
	}
	return nil
}
