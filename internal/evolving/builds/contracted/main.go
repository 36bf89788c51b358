// Command contracted is the program that knows a field only by its new name.
package main

import "github.com/sesame-go/sesame/internal/evolving/program"

// Session calls the Theme its Look.
type Session struct {
	User   string
	Visits int `sesame:"sum"`
	Look   string
	Budget float64
	Place  program.Place
}

// Owner returns the user, by whom sesame finds the session.
func (s Session) Owner() string { return s.User }

func main() {
	program.Run(program.Changes[Session]{
		"theme": func(s *Session, v string) { s.Look = v },
	})
}
