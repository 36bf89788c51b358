package program

import "github.com/sesame-go/sesame"

// Session is the first version of the session type.
type Session struct {
	User   string
	Visits int `sesame:"sum"`
	Theme  string
	Budget float64
	Place  Place
}

// Place is nested in a Session.
type Place struct{ City string }

// Owner is for sesame.
func (s Session) Owner() string { return s.User }

// RunBase is Run for the builds whose session type is the first version.
func RunBase(opts ...sesame.Option) { Run(Changes[Session]{}, opts...) }
