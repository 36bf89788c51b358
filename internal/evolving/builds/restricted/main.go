// Command restricted is the program with a field that restricts what users may do.
package main

import (
	"strconv"

	"github.com/sesame-go/sesame/internal/evolving/program"
)

// Session has the new field ReadOnly, which older programs must not lose.
type Session struct {
	ReadOnly bool
	User     string
	Visits   int `sesame:"sum"`
	Theme    string
	Budget   float64
	Place    program.Place
}

// Owner returns the user, by whom sesame finds the session.
func (s Session) Owner() string { return s.User }

func main() {
	program.Run(program.Changes[Session]{
		"restrict": func(s *Session, v string) { s.ReadOnly, _ = strconv.ParseBool(v) },
	})
}
