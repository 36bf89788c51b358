package dbsc_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/dbsc"
)

// Chromium writes strings without quotes, the draft wants them.
func TestItem(t *testing.T) {
	for line, want := range map[string]string{
		`abc-DEF_123.x.y`:       "abc-DEF_123.x.y",
		`"abc-DEF_123.x.y"`:     "abc-DEF_123.x.y",
		` abc `:                 "abc",
		` "abc" `:               "abc",
		`abc;a=b`:               "abc",
		`"abc";a="b"`:           "abc",
		``:                      "!",
		`""`:                    "!",
		`"abc`:                  "!",
		`abc"`:                  "!",
		`"abc"d`:                "!",
		`"a\"c"`:                "!",
		`"abc", "def"`:          "!",
		`abc, def`:              "!",
		`(abc)`:                 "!",
		`:YWJj:`:                "!",
		"a\x00c":                "!",
		"\"\xff\"":              "!",
		strings.Repeat("\"", 9): "!",
	} {
		got, ok := dbsc.Item(http.Header{"X": {line}}, "X")
		require.Equal(t, want != "!", ok, line)
		if ok {
			require.Equal(t, want, got, line)
		}
	}
	got, ok := dbsc.Item(http.Header{}, "X")
	require.Empty(t, got)
	require.True(t, ok)
	_, ok = dbsc.Item(http.Header{"X": {"a", "a"}}, "X")
	require.False(t, ok, "twice")
}

func TestWritten(t *testing.T) {
	require.Equal(t, `(ES256 RS256);path="/d/register";challenge="c"`, dbsc.Offering(both, "/d/register", "c"))
	require.Equal(t, `"c";id="i"`, dbsc.Challenging("c", "i"))
	require.JSONEq(t, `{"session_identifier": "i", "refresh_url": "/d/refresh", "scope": {"include_site": false},
		"credentials": [{"type": "cookie", "name": "n", "attributes": "Path=/; Secure"}]}`,
		string(dbsc.Instructions("i", "/d/refresh", "n", "Path=/; Secure")))
}

func FuzzItem(f *testing.F) {
	for _, line := range []string{`abc`, `"abc"`, `"abc";a=b`, `"`} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		value, ok := dbsc.Item(http.Header{"X": {line}}, "X")
		if ok {
			require.NotEmpty(t, value)
			require.Contains(t, line, value)
			again, ok := dbsc.Item(http.Header{"X": {`"` + value + `"`}}, "X")
			require.True(t, ok)
			require.Equal(t, value, again)
		}
	})
}
