// Command expanded is the program that writes a field under its old and its new
// name. In its first deployment it reads the old name. In its second, when every
// stored session has the new name, it reads the new one.
package main

import "github.com/sesame-go/sesame/internal/evolving/program"

// Session has the new field Look beside the Theme, which older programs read.
type Session struct {
	User   string
	Visits int `sesame:"sum"`
	Theme  string
	Look   string
	Budget float64
	Place  program.Place
}

// Owner returns the user, by whom sesame finds the session.
func (s Session) Owner() string { return s.User }

func main() {
	program.Run(program.Changes[Session]{
		"theme": func(s *Session, v string) { s.Theme, s.Look = v, v },
	})
}
