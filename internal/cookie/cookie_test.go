package cookie_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/cookie"
	"github.com/sesame-go/sesame/internal/token"
)

func TestTemplate(t *testing.T) {
	for _, test := range []struct {
		name     string
		template http.Cookie
		insecure bool
		want     string // the Set-Cookie header, or
		err      string // a part of the error
	}{
		{name: "default",
			want: "__Host-Http-session_id=X; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{name: "insecure", insecure: true,
			want: "session_id=X; Path=/; HttpOnly; SameSite=Lax"},
		{name: "domain", template: http.Cookie{Domain: "example.com"},
			want: "session_id=X; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Lax"},
		{name: "path", template: http.Cookie{Path: "/app"},
			want: "session_id=X; Path=/app; HttpOnly; Secure; SameSite=Lax"},
		{name: "own name", template: http.Cookie{Name: "id", SameSite: http.SameSiteStrictMode},
			want: "id=X; Path=/; HttpOnly; Secure; SameSite=Strict"},
		{name: "third party", template: http.Cookie{SameSite: http.SameSiteNoneMode, Partitioned: true},
			want: "__Host-Http-session_id=X; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"},

		{name: "value", template: http.Cookie{Value: "x"}, err: "leave it empty"},
		{name: "max-age", template: http.Cookie{MaxAge: 60}, err: "call Remember"},
		{name: "expires", template: http.Cookie{Expires: time.Now()}, err: "call Remember"},
		{name: "unparsed", template: http.Cookie{Unparsed: []string{"Priority=High"}}, err: "Unparsed"},
		{name: "name", template: http.Cookie{Name: "session id"}, err: "invalid"},
		{name: "domain with a port", template: http.Cookie{Domain: "example.com:80"}, err: "invalid"},
		{name: "path with a semicolon", template: http.Cookie{Path: "/a;b"}, err: "invalid"},
		{name: "relative path", template: http.Cookie{Path: "app"}, err: "slash"},
		{name: "host prefix and domain", template: http.Cookie{Name: "__Host-id", Domain: "example.com"}, err: "rename it"},
		{name: "host prefix and path", template: http.Cookie{Name: "__host-id", Path: "/app"}, err: "rename it"},
		{name: "host prefix, insecure", template: http.Cookie{Name: "__Host-id"}, insecure: true, err: "rename it"},
		{name: "secure prefix, insecure", template: http.Cookie{Name: "__Secure-id"}, insecure: true, err: "rename it"},
		{name: "http prefix, insecure", template: http.Cookie{Name: "__Http-id"}, insecure: true, err: "rename it"},
		{name: "SameSite=None, insecure", template: http.Cookie{SameSite: http.SameSiteNoneMode}, insecure: true, err: "SameSite"},
		{name: "partitioned, insecure", template: http.Cookie{Partitioned: true}, insecure: true, err: "Partitioned"},
		{name: "secure and insecure", template: http.Cookie{Secure: true}, insecure: true, err: "drop one"},
		{name: "SameSite of tomorrow", template: http.Cookie{SameSite: 9}, err: "unknown"},
	} {
		t.Run(test.name, func(t *testing.T) {
			template, err := cookie.NewTemplate(test.template, test.insecure)
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.want, template.Set("X", 0))

			set, err := http.ParseSetCookie(template.Set("X", 90*time.Minute+time.Millisecond))
			require.NoError(t, err)
			require.Equal(t, 5401, set.MaxAge, "a part of a second counts as one")

			set.Value, set.MaxAge, set.Raw = "", -1, ""
			lines := template.Delete()
			deleted, err := http.ParseSetCookie(lines[0])
			require.NoError(t, err)
			deleted.Raw = ""
			require.Equal(t, set, deleted, "the deleting cookie must have the same attributes")
			if !set.Partitioned {
				require.Len(t, lines, 1)
				return
			}
			deleted, err = http.ParseSetCookie(lines[1])
			require.NoError(t, err)
			deleted.Raw, set.Partitioned = "", false
			require.Equal(t, set, deleted, "the cookie of before it was Partitioned is another one")
		})
	}
}

func TestRead(t *testing.T) {
	a, b := token.New(), token.New()
	for _, test := range []struct {
		name      string
		lines     []string
		want      []string
		malformed bool
	}{
		{name: "none"},
		{name: "others", lines: []string{"a=b; c=d"}},
		{name: "one", lines: []string{"id=" + a}, want: []string{a}},
		{name: "among others", lines: []string{"x=y; id=" + a + "; z"}, want: []string{a}},
		{name: "no blank after the semicolon", lines: []string{"x=y;id=" + a}, want: []string{a}},
		{name: "two of one name", lines: []string{"id=" + a + "; id=" + b}, want: []string{a, b}},
		{name: "two lines, as HTTP/2 may split them", lines: []string{"x=y", "id=" + a}, want: []string{a}},
		{name: "the same twice", lines: []string{"id=" + a + "; id=" + a}, want: []string{a}},
		{name: "name in another case", lines: []string{"ID=" + a}},
		{name: "name as a suffix", lines: []string{"xid=" + a}},
		{name: "no value", lines: []string{"id"}},
		{name: "empty", lines: []string{"id="}, malformed: true},
		{name: "quoted", lines: []string{`id="` + a + `"`}, malformed: true},
		{name: "prototype", lines: []string{"id=__proto__"}, malformed: true},
		{name: "traversal", lines: []string{"id=../../x"}, malformed: true},
		{name: "NUL", lines: []string{"id=" + a[1:] + "\x00"}, malformed: true},
		{name: "malformed beside good", lines: []string{"id=x; id=" + a}, want: []string{a}, malformed: true},
		{name: "long", lines: []string{"id=" + strings.Repeat("A", 4096)}, malformed: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := cookie.Read(test.lines, "id")
			require.Equal(t, test.malformed, got.Malformed)
			require.Equal(t, append([]string{}, test.want...), append([]string{}, got.All()...))
		})
	}
}

func TestReadIsBounded(t *testing.T) {
	var line strings.Builder
	for range 3001 {
		line.WriteString("id=" + token.New() + ";")
	}
	got := cookie.Read([]string{line.String()}, "id")
	require.Len(t, got.All(), cookie.MaxTokens)

	lines := []string{line.String()}
	require.Zero(t, testing.AllocsPerRun(10, func() {
		got := cookie.Read(lines, "id")
		_ = got.All()
	}))
}
