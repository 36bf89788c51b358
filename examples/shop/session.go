package main

// Session is what the shop knows of a browser.
type Session struct {
	User   string // the account's ID, "" until log-in
	Name   string // what the pages call the user
	Device Device // as it was at log-in

	Cart  map[string]int `sesame:"sum"`   // how many of each good; two tabs add up
	Flash []string       `sesame:"items"` // messages for the next page

	Exchange *Exchange `sesame:"secret"` // a log-in at the provider that is under way
}

// Owner tells sesame whose session it is, so that it can be found by user.
func (s Session) Owner() string { return s.User }
