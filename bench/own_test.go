package bench

import (
	"fmt"
	"slices"
)

// Own is a session of one's own.
type Own struct {
	User   string
	Visits int
}

func newOwn() Own { return Own{User: "ann", Visits: 3} }

func ExampleOf() {
	sessions := slices.Concat(Sessions, []Session{
		Of("own", newOwn(),
			func(s *Own) string { return s.User },
			func(s *Own) { s.Visits++ },
		),
	})
	fmt.Println(sessions[len(sessions)-1].Name())
	// Output: own
}
