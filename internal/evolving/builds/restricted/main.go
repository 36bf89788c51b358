// Command restricted is the program with a restriction.
package main

import (
	"strconv"

	"github.com/sesame-go/sesame/internal/evolving/program"
)

// Session has the new field ReadOnly: what it forbids must stay forbidden.
type Session struct {
	ReadOnly bool
	User     string
	Visits   int `sesame:"sum"`
	Theme    string
	Budget   float64
	Place    program.Place
}

// Owner is for sesame.
func (s Session) Owner() string { return s.User }

func main() {
	program.Run(program.Changes[Session]{
		"restrict": func(s *Session, v string) { s.ReadOnly, _ = strconv.ParseBool(v) },
	})
}
