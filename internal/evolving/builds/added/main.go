// Command added is the program with a new field, and another in a nested struct.
package main

import "github.com/sesame-go/sesame/internal/evolving/program"

// Session has the new field Language.
type Session struct {
	User     string
	Language string
	Visits   int `sesame:"sum"`
	Theme    string
	Budget   float64
	Place    Place
}

// Place has the new field Floor.
type Place struct{ City, Floor string }

// Owner returns the user, by whom sesame finds the session.
func (s Session) Owner() string { return s.User }

func main() {
	program.Run(program.Changes[Session]{
		"language": func(s *Session, v string) { s.Language = v },
		"floor":    func(s *Session, v string) { s.Place.Floor = v },
	})
}
