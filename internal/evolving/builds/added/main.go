// Command added is the program with a field more, and one more in a nested struct.
package main

import (
	"strconv"

	"github.com/sesame-go/sesame/internal/evolving/program"
)

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

// Owner is for sesame.
func (s Session) Owner() string { return s.User }

func main() {
	program.Run(program.Changes[Session]{
		"login":    func(s *Session, v string) { s.User = v },
		"visit":    func(s *Session, _ string) { s.Visits++ },
		"theme":    func(s *Session, v string) { s.Theme = v },
		"city":     func(s *Session, v string) { s.Place.City = v },
		"budget":   func(s *Session, v string) { s.Budget, _ = strconv.ParseFloat(v, 64) },
		"language": func(s *Session, v string) { s.Language = v },
		"floor":    func(s *Session, v string) { s.Place.Floor = v },
	})
}
