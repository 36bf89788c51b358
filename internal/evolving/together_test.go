package evolving_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A version is a program, and the fields that show what each change has set.
type version struct {
	program string
	shows   map[string]string
}

func knows(program string, more ...string) version {
	v := version{program, map[string]string{"city": "Place.City", "budget": "Budget"}}
	for i := 0; i < len(more); i += 2 {
		v.shows[more[i]] = more[i+1]
	}
	return v
}

var (
	base       = knows("base", "theme", "Theme")
	added      = knows("added", "theme", "Theme", "language", "Language", "floor", "Place.Floor")
	restricted = knows("restricted", "theme", "Theme", "restrict", "ReadOnly")
	removed    = knows("removed")
	tagged     = knows("tagged", "theme", "Look")
	expanded   = knows("expanded", "theme", "Theme")
	switched   = knows("expanded", "theme", "Look")
	contracted = knows("contracted", "theme", "Look")
	recoding   = knows("recoding", "theme", "Theme")
	recoded    = knows("recoded", "theme", "Theme")
)

// together are the changes of the program after which the old and the new version can
// run at the same time, in any order of deployment.
var together = []struct {
	name     string
	old, new version
}{
	{"a field is added", base, added},
	{"a restriction is added", base, restricted},
	{"a field is removed", base, removed},
	{"a field is renamed, but not where it is stored", base, tagged},
	{"a field is renamed: expanded", base, expanded},
	{"a field is renamed: contracted", switched, contracted},
	{"the codec is changed: first what is read", base, recoding},
	{"the codec is changed: then what is written", recoding, recoded},
}

// TestTogether checks that neither program loses what the other wrote, and that no
// user is logged out.
func TestTogether(t *testing.T) {
	eachStore(t, func(t *testing.T, s *site) {
		for _, c := range together {
			t.Run(c.name, func(t *testing.T) {
				for _, order := range [][]version{
					{c.old, c.new},               // deployed
					{c.old, c.new, c.old, c.new}, // rolled back and deployed again
					{c.new, c.old, c.new},        // the newer program creates the session
				} {
					inTurn(t, s, order)
				}
				atOnce(t, s, c.old, c.new)
				for _, v := range []version{c.old, c.new} {
					kinds, errs := s.events(v.program)
					require.Empty(t, kinds, "%s: %s", v.program, errs)
				}
			})
		}
	})
}

// inTurn sends the requests of one browser to the programs in the given order. Fields
// that both have are changed by each. Other fields are changed once, by the first
// program that has them, and must survive the changes of the other.
func inTurn(t *testing.T, s *site, order []version) {
	b := s.browser()
	b.post(order[0].program, "login", "ann")
	want := make(map[string]string)
	for i, v := range order {
		for _, change := range slices.Sorted(maps.Keys(v.shows)) {
			others := slices.IndexFunc(order, func(o version) bool { return o.shows[change] == "" })
			if others >= 0 && want[change] != "" {
				continue
			}
			want[change] = value(change, i+1)
			b.post(v.program, change, want[change])
		}
		b.post(v.program, "visit", "")
		if i == 2 {
			b.post(v.program, "login", "ann") // a log-in renews the session
		}
		for _, v := range order {
			p := b.get(v.program)
			require.False(t, p.New)
			require.Equal(t, "ann", p.field("User"))
			require.Equal(t, i+1, p.visits(t))
			for change, field := range v.shows {
				if want[change] != "" {
					require.Equal(t, want[change], p.field(field), "%s of %s, step %d of %v", field, v.program, i, order)
				}
			}
		}
	}
	b.post(order[0].program, "logout", "")
	require.True(t, b.get(order[1].program).New)
}

func value(change string, n int) string {
	switch change {
	case "restrict":
		return "true"
	case "budget":
		return fmt.Sprintf("%d.5", n)
	}
	return fmt.Sprintf("%s %d", change, n)
}

// atOnce sends concurrent requests of one browser to both programs.
func atOnce(t *testing.T, s *site, older, newer version) {
	const clients, each = 4, 12
	b := s.browser()
	b.post(older.program, "login", "ann")
	s.address(newer.program)
	var wait sync.WaitGroup
	for i := range clients {
		wait.Go(func() {
			for j := range each {
				v, path := older, "/visit"
				if (i+j)%2 == 0 {
					v = newer
				}
				if j%3 == 0 {
					path += "?update"
				}
				status, p := b.do(http.MethodPost, v.program, path)
				if status != http.StatusOK || p.New || p.field("User") != "ann" {
					t.Errorf("%s answered %d, %+v", v.program, status, p)
				}
			}
		})
	}
	// The older program changes the fields that it has, and the newer one those that
	// only it has.
	wait.Go(func() {
		for change := range older.shows {
			b.post(older.program, change, value(change, 7))
		}
	})
	wait.Go(func() {
		for change := range newer.shows {
			if older.shows[change] == "" {
				b.post(newer.program, change, value(change, 7))
			}
		}
	})
	wait.Wait()
	for _, v := range []version{older, newer} {
		p := b.get(v.program)
		require.Equal(t, clients*each, p.visits(t))
		for change, field := range v.shows {
			require.Equal(t, value(change, 7), p.field(field), "%s of %s", field, v.program)
		}
	}
}
