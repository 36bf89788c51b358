package bench

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAdapters holds every library to the work that is measured: one that does
// less would be flattered.
func TestAdapters(t *testing.T) {
	for _, e := range Entries {
		if e.Floor {
			continue
		}
		for _, s := range Sessions {
			if !e.Does(Read, s) {
				continue
			}
			t.Run(fmt.Sprintf("lib=%s/store=%s/size=%s", e.Lib, e.Store, s.Name()), func(t *testing.T) {
				site, err := e.Open(s, testPlace(t, e.Store))
				require.NoError(t, err)
				defer func() { require.NoError(t, site.Close()) }()
				checkAdapter(t, e, s, site)
			})
		}
	}
}

func testPlace(t *testing.T, store string) Place {
	p := PlaceFromEnv(t.TempDir())
	if store == "redis" && p.Redis == "" || store == "postgres" && p.Postgres == "" {
		t.Fatal("no server: run scripts/services run redis postgres -- go test ./...")
	}
	return p
}

func checkAdapter(t *testing.T, e Entry, s Session, site Site) {
	do := func(op Op, cookie string) (response, set string) {
		c := site.Client(op)
		c.Do(cookie)
		require.Equal(t, 200, c.Status(), "%s", op)
		return string(c.Body()), c.Cookie()
	}
	// next is the cookie that a browser then has.
	next := func(op Op, cookie string) string {
		body, set := do(op, cookie)
		require.Equal(t, "ok", body)
		if set == "" {
			return cookie
		}
		return set
	}
	dumped := func(cookie string) string { body, _ := do(opDump, cookie); return body }

	cookie := SignIn(site)
	require.NotEmpty(t, cookie)
	if e.Lib != "gorilla-cookie" { // which is the session itself: of one second, it may be the same
		require.NotEqual(t, cookie, SignIn(site), "each visitor has a session")
	}
	require.JSONEq(t, string(s.expect(0)), dumped(cookie), "created")

	cookie = next(Untouched, cookie)
	cookie = next(Read, cookie)
	require.JSONEq(t, string(s.expect(0)), dumped(cookie), "unchanged by reading")
	require.Panics(t, func() { site.Client(Read).Do("") }, "what is read is checked")

	cookie = next(Change, cookie)
	require.JSONEq(t, string(s.expect(1)), dumped(cookie), "changed")
	cookie = next(Change, next(Read, cookie))
	require.JSONEq(t, string(s.expect(2)), dumped(cookie), "changed again")

	renewed := next(Renew, cookie)
	require.JSONEq(t, string(s.expect(3)), dumped(renewed), "log-in keeps the data and changes a field")
	old := dumped(cookie) == dumped(renewed)
	if e.Lib == "gorilla-cookie" {
		old = dumped(cookie) == string(s.expect(2)) // the old cookie is the old session
	}
	require.Equal(t, e.KeepsToken, old, "the old token works after a log-in")

	chain := NewLoad(site, Renew, 1)
	chain.Run(3)
	require.JSONEq(t, string(s.expect(3)), dumped(chain.workers[0].cookie), "one log-in after the other")
	again := NewLoad(site, Change, 1)
	again.Run(3)
	if e.Lib != "gorilla-cookie" { // whose change is in the cookie, which the load does not take over
		require.JSONEq(t, string(s.expect(3)), dumped(again.workers[0].cookie), "one change after the other")
	}

	body, _ := do(NoCookie, "")
	require.Equal(t, "ok", body)
}

// TestSurvivors says what is left of ten changes by requests that overlap.
func TestSurvivors(t *testing.T) {
	for _, e := range Entries {
		for _, s := range Sessions {
			if e.Floor || !s.Parallel() {
				continue
			}
			t.Run(fmt.Sprintf("lib=%s/store=%s/size=%s", e.Lib, e.Store, s.Name()), func(t *testing.T) {
				site, err := e.Open(s, testPlace(t, e.Store))
				require.NoError(t, err)
				defer func() { require.NoError(t, site.Close()) }()
				want := 1
				if strings.HasPrefix(e.Lib, Base) {
					want = Parallel
				}
				require.Equal(t, want, NewLoad(site, Together, 1).Survivors())
			})
		}
	}
}
