package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/cmd/sesame/engine"
	"github.com/sesame-go/sesame/cmd/sesame/engine/enginetest"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store"
)

// The test binary is the tool, too, when a test starts it as one.
func TestMain(m *testing.M) {
	if os.Getenv("SESAME_TEST_TOOL") != "" {
		main()
	}
	os.Exit(m.Run())
}

// places are all engines.
func places() map[string]func(testing.TB) string {
	all := maps.Clone(enginetest.Shared)
	all["log"] = func(t testing.TB) string { return "log:" + filepath.Join(t.TempDir(), "sessions.db") }
	all["dir"] = func(t testing.TB) string { return "dir:" + filepath.Join(t.TempDir(), "sessions") }
	all["redis-cluster"] = enginetest.RedisCluster
	return all
}

// output is what the tool has said.
type output struct {
	stdout, stderr string
	code           int
}

// sesameRun runs the tool without a terminal.
func sesameRun(t testing.TB, args ...string) output {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
	return output{stdout.String(), stderr.String(), code}
}

// does runs the tool, which must succeed.
func does(t testing.TB, args ...string) string {
	t.Helper()
	out := sesameRun(t, args...)
	require.Zero(t, out.code, "%v:\n%s%s", args, out.stdout, out.stderr)
	return out.stdout
}

// Session is that of the site whose store the tool looks at.
type Session struct {
	User string
	Cart map[string]int
	CSRF string `sesame:"secret"`
	Seen time.Time
}

func (s *Session) Owner() string { return s.User }

// A site has users, on a store that it opens and closes.
type site struct {
	*sesame.Manager[Session]
	t      testing.TB
	engine *engine.Engine
}

func openSite(t testing.TB, address string, opts ...sesame.Option) *site {
	t.Helper()
	e, err := engine.Create(context.Background(), address, nil)
	require.NoError(t, err)
	s := &site{sesame.New[Session](append(opts, sesame.WithStore(e.Store))...), t, e}
	t.Cleanup(s.close)
	return s
}

func (s *site) close() {
	if s.engine != nil {
		require.NoError(s.t, s.engine.Close())
		s.engine = nil
	}
}

// logIn stores a session and returns its cookie.
func (s *site) logIn(user string) *http.Cookie {
	return sesametest.Cookie(s.t, s.Manager, Session{
		User: user, Cart: map[string]int{"tea": 2}, CSRF: "c5rf", Seen: time.Date(2026, 11, 29, 14, 30, 0, 0, time.UTC),
	})
}

// renew logs the user of a session in again, and returns the new cookie.
func (s *site) renew(cookie *http.Cookie) *http.Cookie {
	r := httptest.NewRequest(http.MethodPost, "https://shop.example/", http.NoBody)
	r.AddCookie(cookie)
	w := httptest.NewRecorder()
	s.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { s.Renew(r.Context()) })).ServeHTTP(w, r)
	require.Len(s.t, w.Result().Cookies(), 1)
	return w.Result().Cookies()[0]
}

// knows reports whether a cookie's session is live, and the user's.
func (s *site) knows(user string, cookie *http.Cookie) bool {
	got, ok := sesametest.Session(s.t, s.Manager, cookie)
	return ok && got.User == user
}

// idOf returns the ID in a cookie.
func idOf(cookie *http.Cookie) string { return cookie.Value[:22] }

// rows returns the objects of --json.
func rows(t testing.TB, stdout string) (all []report) {
	t.Helper()
	for line := range strings.Lines(stdout) {
		var r report
		require.NoError(t, json.Unmarshal([]byte(line), &r), line)
		all = append(all, r)
	}
	return all
}

// content returns what a store has.
func content(t testing.TB, address string) map[store.Key]store.Record {
	t.Helper()
	e, err := engine.Create(t.Context(), address, nil)
	require.NoError(t, err)
	defer e.Close()
	all := make(map[store.Key]store.Record)
	for entry, err := range list(e.Store) {
		require.NoError(t, err)
		entry.Version = 0
		entry.Expires = entry.Expires.UTC().Truncate(time.Millisecond)
		all[entry.Key] = entry.Record
	}
	return all
}

func list(s store.Store) iter.Seq2[store.Entry, error] {
	return s.(store.Lister).All(context.Background())
}

// A day with the tool, on each engine.
func TestCommands(t *testing.T) {
	for kind, place := range places() {
		t.Run(kind, func(t *testing.T) {
			address := place(t)
			s := openSite(t, address)
			ann, bob, visitor := s.logIn("ann"), s.logIn("bob"), s.logIn("")
			for range 2 {
				s.logIn("ann")
			}
			s.close()

			all := does(t, address, "ls")
			require.Equal(t, 6, strings.Count(all, "\n"), all)
			require.Contains(t, all, "OWNER")
			require.Contains(t, all, idOf(bob)+"  bob")
			require.Contains(t, all, idOf(visitor)+"  -")
			require.NotContains(t, all, bob.Value[23:], "the secret")
			require.Len(t, rows(t, does(t, address, "ls", "--json")), 5)
			require.Len(t, rows(t, does(t, address, "ls", "--json", "--owner", "ann")), 3)
			require.Equal(t, "5 sessions\n", does(t, address, "count"))

			shown := does(t, address, "show", idOf(ann))
			for _, want := range []string{"session   " + idOf(ann), "owner     ann", "msgpack", "idle timeout 1h0m0s", `User  "ann"`, "Cart  (1)\n  tea  2", "2026-11-29T14:30:00Z"} {
				require.Contains(t, shown, want)
			}
			r := rows(t, does(t, address, "show", "--json", idOf(ann)))[0]
			require.Equal(t, "ann", r.Data.(map[string]any)["User"])
			require.WithinDuration(t, time.Now(), *r.LogIn, time.Minute)
			require.WithinDuration(t, time.Now().Add(time.Hour), r.Ends, time.Minute)

			refused := sesameRun(t, address, "revoke", idOf(bob))
			require.Equal(t, exitUsage, refused.code)
			require.Contains(t, refused.stderr, "say --yes")
			require.Equal(t, "1 session ended.\n", does(t, address, "revoke", idOf(bob), "--yes"))
			require.Equal(t, exitNotThere, sesameRun(t, address, "show", idOf(bob)).code)
			require.Equal(t, exitNotThere, sesameRun(t, address, "revoke", "--yes", idOf(bob)).code)
			require.Equal(t, `{"ended":3}`+"\n", does(t, address, "revoke-owner", "--yes", "--json", "ann"))
			does(t, address, "sweep")
			require.Equal(t, `{"sessions":1}`+"\n", does(t, address, "count", "--json"))

			s = openSite(t, address)
			require.False(t, s.knows("ann", ann))
			require.False(t, s.knows("bob", bob))
			require.True(t, s.knows("", visitor))
		})
	}
}

// Sessions whose log-in is older than a moment end, others do not.
func TestRevokeBefore(t *testing.T) {
	for kind, place := range places() {
		t.Run(kind, func(t *testing.T) {
			address := place(t)
			s := openSite(t, address)
			old, again := s.logIn("ann"), s.logIn("bob")
			time.Sleep(2 * time.Millisecond) // records have milliseconds
			moment := time.Now()
			time.Sleep(2 * time.Millisecond)
			fresh := s.logIn("ann")
			renewed := s.renew(again) // older, but its log-in is not
			s.close()

			text := moment.Format(time.RFC3339Nano)
			require.Equal(t, exitUsage, sesameRun(t, address, "revoke", "--before", text).code)
			require.Equal(t, "1 session ended.\n", does(t, address, "revoke", "--before", text, "--yes"))
			s = openSite(t, address)
			require.False(t, s.knows("ann", old))
			require.True(t, s.knows("ann", fresh))
			require.True(t, s.knows("bob", renewed))
			s.close()
			require.Equal(t, "2 sessions ended.\n", does(t, address, "revoke", "--before", "now", "--yes"))
		})
	}
}

// A restored backup revives what had ended since, as docs/OPERATING.md says, until
// all sessions of before are ended.
func TestRestoredBackup(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	address, backup := "log:"+path, path+".backup"
	s := openSite(t, address)
	out, again, stays := s.logIn("ann"), s.logIn("bob"), s.logIn("eve")
	b, err := os.ReadFile(path) // while the site runs
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(backup, b, 0o600))
	require.NoError(t, s.Revoke(t.Context(), idOf(out)))
	renewed, since := s.renew(again), s.logIn("zoe")
	s.close()
	require.NoError(t, os.Rename(backup, path))
	require.NoError(t, os.Remove(path+".lock"))

	s = openSite(t, address)
	require.True(t, s.knows("ann", out), "logged out since")
	require.True(t, s.knows("bob", again), "the token of before the last log-in")
	require.False(t, s.knows("bob", renewed))
	require.True(t, s.knows("eve", stays))
	require.False(t, s.knows("zoe", since))
	s.close()
	healthy(t, address)
	require.Equal(t, "3 sessions ended.\n", does(t, address, "revoke", "--before", "now", "--yes"))
	s = openSite(t, address)
	for user, cookie := range map[string]*http.Cookie{"ann": out, "bob": again, "eve": stays} {
		require.False(t, s.knows(user, cookie))
	}
}

func TestMoment(t *testing.T) {
	now := time.Date(2026, 11, 30, 4, 0, 0, 0, time.Local)
	for text, want := range map[string]time.Time{
		"now":              now,
		"36h":              now.Add(-36 * time.Hour),
		"2026-11-30":       time.Date(2026, 11, 30, 0, 0, 0, 0, time.Local),
		"2026-11-30 03:10": time.Date(2026, 11, 30, 3, 10, 0, 0, time.Local),
		"2026-11-30T03:10": time.Date(2026, 11, 30, 3, 10, 0, 0, time.Local),
		now.Add(-time.Hour).UTC().Format(time.RFC3339): now.Add(-time.Hour),
	} {
		got, err := parseMoment(text, now)
		require.NoError(t, err)
		require.True(t, want.Equal(got), "%s: %v", text, got)
	}
	for _, bad := range []string{"", "yesterday", "-1h", "2026-12-01", "30.11.2026"} {
		_, err := parseMoment(bad, now)
		require.Error(t, err, bad)
	}
}

func TestUsage(t *testing.T) {
	const id = "8XcVt0mJQyWn5dB1kR7q2A"
	place := "dir:" + filepath.Join(t.TempDir(), "sessions")
	openSite(t, place).close()
	for _, c := range []struct {
		args string
		want string
	}{
		{"", "what to do is missing"},
		{place, "the command is missing"},
		{place + " list", "there is no command list"},
		{place + " show", "it is written: sesame ADDRESS show ID"},
		{place + " show ann", "is not a session's ID"},
		{place + " show " + id + "." + id, "whole token"},
		{place + " ls --all", "it is written: sesame ADDRESS ls"},
		{place + " ls more", "it is written"},
		{place + " revoke", "by their IDs or by --before"},
		{place + " revoke --before now " + id, "not both"},
		{place + " revoke --before tomorrow --yes", "say now, a duration"},
		{"ls", "set SESAME_STORE"},
		{"copy " + place, "sesame copy FROM TO"},
		{"copy " + place + " " + place, "are one store"},
	} {
		out := sesameRun(t, strings.Fields(c.args)...)
		require.Equal(t, exitUsage, out.code, c.args)
		require.Contains(t, out.stderr, c.want)
		require.NotContains(t, out.stderr, id+"."+id)
	}
	for _, cmd := range commands() {
		out := sesameRun(t, cmd.name, "-h")
		require.Zero(t, out.code)
		require.Contains(t, out.stdout, cmd.line())
		require.Contains(t, does(t, "-h"), cmd.line())
	}
	for _, code := range []int{exitFailed, exitUsage, exitFound, exitNotThere, exitDeclined, exitInterrupted} {
		require.Regexp(t, fmt.Sprintf(`\b%d `, code), usage())
	}
	t.Setenv("SESAME_STORE", place)
	require.Equal(t, "0 sessions\n", does(t, "count"))
}

// An ID may begin with a hyphen, and an owner may look like a flag.
func TestHyphens(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "s.sqlite")
	s := openSite(t, address)
	s.logIn("--yes")
	key := store.Key{0xfb} // "-w…"
	_, err := s.engine.Store.Save(t.Context(), key, store.Record{Expires: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	s.close()
	require.Equal(t, "-", key.String()[:1])
	require.Contains(t, does(t, address, "show", key.String()), "unreadable")
	require.Equal(t, "1 session ended.\n", does(t, address, "revoke", key.String(), "--yes"))
	require.Equal(t, "1 session ended.\n", does(t, address, "revoke-owner", "--yes", "--", "--yes"))
}

// What a user chose reaches no terminal as it is, nor breaks a line.
func TestHostileOwners(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "s.sqlite")
	s := openSite(t, address)
	hostile := []string{"\x1b[2J\x1b]0;pwned\x07", "ann\nbob", "\u202eevil", "\u009b2J", "\xff\xfe", "a\tb", "ann ", "<script>", strings.Repeat("x", 255), "漢字漢字"}
	ids := make(map[string]string)
	for _, owner := range hostile {
		ids[idOf(s.logIn(owner))] = owner
	}
	s.close()
	check := func(text string) {
		for _, r := range text {
			require.True(t, r == '\n' || r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f) && r != '\u202e', "%q in %q", r, text)
		}
	}
	check(does(t, address, "ls"))
	require.Equal(t, len(hostile)+1, strings.Count(does(t, address, "ls"), "\n"))
	lines := does(t, address, "ls", "--json")
	check(lines)
	for _, r := range rows(t, lines) {
		owner := r.Owner
		if r.OwnerBytes != nil {
			owner = string(r.OwnerBytes)
		}
		require.Equal(t, ids[r.ID], owner)
		check(does(t, address, "show", r.ID))
		check(does(t, address, "show", r.ID, "--json"))
		require.Len(t, rows(t, does(t, address, "ls", "--owner", owner, "--json")), 1)
	}
	check(sesameRun(t, address, "ls", "--owner", "\x1b[2J").stderr)
	check(sesameRun(t, address, "\x1b[2J").stderr)
	check(sesameRun(t, address, "show", "\x1b[2J").stderr)
	check(sesameRun(t, "sqlite:/nowhere/\x1b[2J", "ls").stderr)
}

// A sealed store needs its keys, which are told by the environment.
func TestSealed(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "s.sqlite")
	t.Setenv("SESAME_SEALED_KEYS", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
	e, err := engine.Create(t.Context(), address, nil)
	require.NoError(t, err)
	wrapped, err := unseal(e.Store)
	require.NoError(t, err)
	s := &site{sesame.New[Session](sesame.WithStore(wrapped)), t, e}
	ann := s.logIn("ann")
	s.close()

	require.Contains(t, does(t, address, "show", idOf(ann)), `User  "ann"`)
	require.Zero(t, strings.Count(sesameRun(t, address, "doctor").stdout, "problem"))
	t.Setenv("SESAME_SEALED_KEYS", "")
	require.Contains(t, does(t, address, "show", idOf(ann)), "set SESAME_SEALED_KEYS")
	require.Contains(t, sesameRun(t, address, "ls").stderr, "1 session, of which 1 cannot be read")
	require.Contains(t, sesameRun(t, address, "doctor").stdout, "SESAME_SEALED_KEYS")
	require.Equal(t, "1 session ended.\n", does(t, address, "revoke-owner", "ann", "--yes"))
	t.Setenv("SESAME_SEALED_KEYS", "abc")
	require.Equal(t, exitFailed, sesameRun(t, address, "ls").code)
}
