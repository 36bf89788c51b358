// Command removed is the program without one of its fields.
package main

import "github.com/sesame-go/sesame/internal/evolving/program"

// Session no longer has a Theme.
type Session struct {
	User   string
	Visits int `sesame:"sum"`
	Budget float64
	Place  program.Place
}

// Owner returns the user, by whom sesame finds the session.
func (s Session) Owner() string { return s.User }

func main() {
	program.Run(program.Changes[Session]{})
}
