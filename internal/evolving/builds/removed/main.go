// Command removed is the program with a field fewer.
package main

import "github.com/sesame-go/sesame/internal/evolving/program"

// Session has no Theme any more.
type Session struct {
	User   string
	Visits int `sesame:"sum"`
	Budget float64
	Place  program.Place
}

// Owner is for sesame.
func (s Session) Owner() string { return s.User }

func main() {
	program.Run(program.Changes[Session]{})
}
