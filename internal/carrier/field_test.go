package carrier_test

import (
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/carrier"
	"github.com/sesame-go/sesame/internal/cookie"
	"github.com/sesame-go/sesame/internal/token"
)

func inField(t *testing.T, name string) *carrier.Carrier {
	c, err := carrier.InField(name)
	require.NoError(t, err)
	return &c
}

func TestInField(t *testing.T) {
	for name, want := range map[string]string{
		"X-Session": "X-Session", "x-session": "X-Session", "SESSION-TOKEN": "Session-Token", "authorization": "Authorization", "my_token": "My_token", "a!#$%&'*+-.^`|~9": "A!#$%&'*+-.^`|~9",
	} {
		c := inField(t, name)
		require.Equal(t, want, c.Field())
		require.Equal(t, "the header "+want, c.Name(), "two managers with one field are found out, however it is written")
		_, ok := c.Cookie()
		require.False(t, ok)
	}
	for _, name := range []string{"", " ", "X Session", "X-Session:", "X-Session\r\nSet-Cookie", "X-Sitzung-ä", "X\x00", "(X)", "X/Y", "\"X\"", "X,Y", "@X", "[X]", "{X}", "Trailer:X"} {
		_, err := carrier.InField(name)
		require.ErrorContains(t, err, "is not the name of a header field", name)
	}
}

// TestReserved: a field that means something to browsers, servers, proxies, caches
// or sesame itself cannot carry a token too.
func TestReserved(t *testing.T) {
	for _, name := range []string{
		// HTTP itself: RFC 9110, 9111, 9112, 9113
		"Accept", "Accept-Encoding", "Age", "Allow", "Authentication-Info", "Cache-Control", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date",
		"ETag", "Expect", "Expires", "From", "Host", "HTTP2-Settings", "If-Match", "If-None-Match", "Keep-Alive", "Last-Modified", "Link", "Location", "Max-Forwards", "Pragma",
		"Proxy-Authorization", "Proxy-Connection", "Range", "Referer", "Retry-After", "Server", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Vary", "Via",
		"Warning", "WWW-Authenticate",
		// cookies, and what browsers send or obey
		"Cookie", "Cookie2", "Set-Cookie", "Set-Cookie2", "Access-Control-Allow-Origin", "Alt-Svc", "Clear-Site-Data", "DNT", "Origin", "Refresh", "Sec-Fetch-Site",
		"Secure-Session-Registration", "Strict-Transport-Security",
		// what some caches and proxies obey, or set
		"CDN-Cache-Control", "Surrogate-Control", "Surrogate-Capability", "X-Accel-Expires", "X-Accel-Redirect", "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP",
	} {
		_, err := carrier.InField(name)
		require.ErrorContains(t, err, "has another meaning", name)
		require.ErrorContains(t, err, textproto.CanonicalMIMEHeaderKey(name))
		_, err = carrier.InField(strings.ToLower(name))
		require.Error(t, err, name)
	}
	for _, name := range []string{"X-Session", "Session", "Session-Token", "X-Auth-Token", "Authorization", "Api-Session", "Accepted", "Hostess", "Fromage", "X-Access-Token"} {
		_, err := carrier.InField(name)
		require.NoError(t, err)
	}
}

func TestReadField(t *testing.T) {
	a, b := token.New(), token.New()
	for _, test := range []struct {
		name      string
		field     string
		lines     []string
		want      []string
		malformed bool
	}{
		{name: "none", field: "X-Session"},
		{name: "one", field: "X-Session", lines: []string{a}, want: []string{a}},
		{name: "empty, as an app sends that has none", field: "X-Session", lines: []string{""}},
		{name: "blanks", field: "X-Session", lines: []string{" \t" + a + "\t "}, want: []string{a}},
		{name: "two lines", field: "X-Session", lines: []string{a, b}, want: []string{a, b}},
		{name: "joined by a proxy", field: "X-Session", lines: []string{a + ", " + b}, want: []string{a, b}},
		{name: "joined without a blank, and nothing between", field: "X-Session", lines: []string{",," + a + "," + b + " ,"}, want: []string{a, b}},
		{name: "the same twice", field: "X-Session", lines: []string{a, a + "," + a}, want: []string{a}},
		{name: "malformed", field: "X-Session", lines: []string{"x"}, malformed: true},
		{name: "malformed beside good", field: "X-Session", lines: []string{"x, " + a}, want: []string{a}, malformed: true},
		{name: "a scheme where there is none", field: "X-Session", lines: []string{"Bearer " + a}, malformed: true},
		{name: "quoted", field: "X-Session", lines: []string{`"` + a + `"`}, malformed: true},
		{name: "a cookie's form", field: "X-Session", lines: []string{"id=" + a}, malformed: true},
		{name: "one character less", field: "X-Session", lines: []string{a[1:]}, malformed: true},
		{name: "one character more", field: "X-Session", lines: []string{a + "A"}, malformed: true},
		{name: "not canonical", field: "X-Session", lines: []string{a[:token.Len-1] + "B"}, malformed: true},
		{name: "bytes that are no text", field: "X-Session", lines: []string{"\xff\xfe\x00" + a[3:]}, malformed: true},
		{name: "long", field: "X-Session", lines: []string{strings.Repeat("A", 1<<16)}, malformed: true},

		{name: "bearer", field: "Authorization", lines: []string{"Bearer " + a}, want: []string{a}},
		{name: "bearer in another case", field: "Authorization", lines: []string{"bEARER " + a}, want: []string{a}},
		{name: "bearer with blanks", field: "Authorization", lines: []string{"  Bearer   " + a + " "}, want: []string{a}},
		{name: "bearer twice in one line", field: "Authorization", lines: []string{"Bearer " + a + ", bearer " + b}, want: []string{a, b}},
		{name: "another scheme", field: "Authorization", lines: []string{"Basic YW5uOnNlY3JldA=="}},
		{name: "another scheme beside it", field: "Authorization", lines: []string{"Basic YW5uOnNlY3JldA==", "Bearer " + a}, want: []string{a}},
		{name: "another scheme with parameters", field: "Authorization", lines: []string{`Digest username="ann", realm="x", qop=auth`}},
		{name: "a scheme that begins alike", field: "Authorization", lines: []string{"BearerX " + a, "Bearers " + a}},
		{name: "no scheme", field: "Authorization", lines: []string{a}},
		{name: "a scheme alone", field: "Authorization", lines: []string{"Bearer", "Bearer "}},
		{name: "a tab after the scheme", field: "Authorization", lines: []string{"Bearer\t" + a}},
		{name: "the token of another issuer", field: "Authorization", lines: []string{"Bearer eyJhbGciOiJIUzI1NiJ9.e30.ZRrHA1JJJW8opsbCGfG_HACGpVUMN_a9IV7pAx_Zmeo"}, malformed: true},
		{name: "bearer of a bearer", field: "Authorization", lines: []string{"Bearer Bearer " + a}, malformed: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := inField(t, test.field).Read(test.lines)
			require.Equal(t, append([]string{}, test.want...), append([]string{}, got.All()...))
			require.Equal(t, test.malformed, got.Malformed)
		})
	}
}

func TestReadFieldIsBounded(t *testing.T) {
	for _, field := range []string{"X-Session", "Authorization"} {
		scheme := map[string]string{"Authorization": "Bearer "}[field]
		var line strings.Builder
		for range 3001 {
			line.WriteString(scheme + token.New() + ", ")
		}
		c, lines := inField(t, field), []string{line.String(), strings.Repeat(",", 1<<16)}
		got := c.Read(lines)
		require.Len(t, got.All(), cookie.MaxTokens)
		require.Zero(t, testing.AllocsPerRun(10, func() {
			got := c.Read(lines)
			_ = got.All()
		}))
	}
}

func TestGiveAndTakeField(t *testing.T) {
	for field, form := range map[string]string{"X-Session": "TOKEN", "Authorization": "Bearer TOKEN"} {
		c, h := inField(t, field), http.Header{"Set-Cookie": {"other=1"}}
		c.Give(h, "FIRST", 0)
		c.Give(h, "TOKEN", time.Hour)
		require.Equal(t, http.Header{"Set-Cookie": {"other=1"}, field: {form}}, h)
		c.Take(h)
		require.Equal(t, http.Header{"Set-Cookie": {"other=1"}, field: {""}}, h)
	}
}

// TestCookieCarrier: what both carriers have in common.
func TestCookieCarrier(t *testing.T) {
	template, err := cookie.NewTemplate(http.Cookie{Name: "id"}, false)
	require.NoError(t, err)
	c, tok := carrier.InCookie(template), token.New()
	require.Equal(t, "Cookie", c.Field())
	require.Equal(t, "the cookie id", c.Name())
	got := c.Read([]string{"id=" + tok + "; id=x"})
	require.Equal(t, []string{tok}, got.All())
	h := http.Header{"Set-Cookie": {"other=1", "id=old"}}
	c.Give(h, tok, 0)
	require.Len(t, h["Set-Cookie"], 2)
	require.Contains(t, h["Set-Cookie"][1], "id="+tok)
	c.Take(h)
	require.Equal(t, []string{"other=1", "id=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"}, h["Set-Cookie"])
}
