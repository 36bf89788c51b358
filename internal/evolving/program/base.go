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

// Owner returns the user, by whom sesame finds the session.
func (s Session) Owner() string { return s.User }

// RunBase runs a build whose session type is the first version; see [Run].
func RunBase(opts ...sesame.Option) { Run(Changes[Session]{}, opts...) }
