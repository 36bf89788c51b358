package evolving_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// apart are the changes after which the older program cannot read what the newer
// one has stored.
var apart = []struct {
	name      string
	newer     string
	field     string // the field that shows the theme
	budget    string // the newer program's form of 12.5
	complains string // the older program's error
}{
	{"a field is renamed", "renamed", "Look", "12.5", "version 2 of the session type, this program has 1"},
	{"a field gets another type", "retyped", "Theme", "1250", "version 2 of the session type, this program has 1"},
	{"the codec is changed in one step", "recoded", "Theme", "12.5", "codec with ID 4"},
}

// TestApart checks that both programs can use a session until the newer one changes
// it. Then the older program leaves the session alone: its requests are anonymous and
// store nothing, and the user is still logged in with the newer one.
func TestApart(t *testing.T) {
	eachStore(t, func(t *testing.T, s *site) {
		for _, c := range apart {
			t.Run(c.name, func(t *testing.T) {
				b := s.browser()
				b.post("base", "login", "ann")
				b.post("base", "theme", "dark")
				b.post("base", "budget", "12.5")
				upgraded := func(visits int) {
					p := b.get(c.newer)
					require.False(t, p.New)
					require.Equal(t, "ann", p.field("User"))
					require.Equal(t, "dark", p.field(c.field))
					require.Equal(t, c.budget, p.field("Budget"))
					require.Equal(t, visits, p.visits(t))
				}

				upgraded(0)
				require.Equal(t, "ann", b.post("base", "visit", "").field("User"), "what only reads upgrades nothing")
				upgraded(1)
				require.Equal(t, "ann", b.post(c.newer, "login", "ann").field("User"), "nor does a log-in that changes nothing else")
				require.Equal(t, "ann", b.post("base", "visit", "").field("User"))
				upgraded(2)
				kinds, errs := s.events("base")
				require.Empty(t, kinds, errs)

				b.post(c.newer, "visit", "")
				cookie := b.cookie()
				require.True(t, b.get("base").New)
				require.Empty(t, b.post("base", "visit", "").field("User"))
				status, _ := b.do(http.MethodPost, "base", "/visit?update")
				require.Equal(t, http.StatusConflict, status)
				require.Equal(t, cookie, b.cookie())
				upgraded(3)
				kinds, errs = s.events("base")
				require.Equal(t, []string{"newer", "newer", "newer"}, kinds)
				require.Equal(t, 3, strings.Count(errs, c.complains), errs)

				// After a rollback the user logs in again, and is still logged in when
				// the newer program returns.
				b.post("base", "login", "ann")
				require.NotEqual(t, cookie, b.cookie())
				require.Equal(t, 0, b.get("base").visits(t))
				b.post("base", "visit", "")
				p := b.get(c.newer)
				require.Equal(t, "ann", p.field("User"))
				require.Equal(t, 1, p.visits(t))

				// The same holds after a log-out by a program that cannot read the session.
				b.post(c.newer, "visit", "")
				b.post("base", "logout", "")
				require.Empty(t, b.cookie())
				require.True(t, b.get(c.newer).New)
				s.events("base")
				kinds, errs = s.events(c.newer)
				require.Empty(t, kinds, errs)
			})
		}
	})
}

// TestApartAtOnce lets both programs serve concurrent requests of one browser. The
// session has each change that the older program has confirmed, and each change of
// the newer one; all others are refused.
func TestApartAtOnce(t *testing.T) {
	const clients, each = 4, 12
	eachStore(t, func(t *testing.T, s *site) {
		for _, c := range apart {
			t.Run(c.name, func(t *testing.T) {
				b := s.browser()
				b.post("base", "login", "ann")
				s.address(c.newer)
				var stored atomic.Int64
				var wait sync.WaitGroup
				for i := range clients {
					wait.Go(func() {
						for j := range each {
							name := "base"
							if (i+j)%2 == 0 && j > 2 { // the older program comes first
								name = c.newer
							}
							status, _ := b.do(http.MethodPost, name, "/visit?update")
							switch {
							case status == http.StatusOK:
								stored.Add(1)
							case name != "base" || status != http.StatusConflict:
								t.Errorf("%s answered %d", name, status)
							}
						}
					})
				}
				wait.Wait()
				p := b.get(c.newer)
				require.Equal(t, "ann", p.field("User"))
				require.Equal(t, int(stored.Load()), p.visits(t))
				require.GreaterOrEqual(t, p.visits(t), clients*(each-3)/2)
				kinds, _ := s.events("base")
				require.Contains(t, kinds, "newer")
				kinds, errs := s.events(c.newer)
				require.Empty(t, kinds, errs)
			})
		}
	})
}
