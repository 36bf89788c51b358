package bench

import (
	"fmt"
	"slices"
)

func ExampleOf() {
	// In session.go the type is the package's; it is the function's here, so that
	// one of that name there does not collide with it.
	type Own struct {
		User   string
		Visits int
	}
	sessions := slices.Concat(Sessions, []Session{
		Of("own", Own{User: "ann", Visits: 3},
			func(s *Own) string { return s.User },
			func(s *Own) { s.Visits++ },
		),
	})
	fmt.Println(sessions[len(sessions)-1].Name())
	// Output: own
}
