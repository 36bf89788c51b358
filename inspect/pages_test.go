package inspect_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
)

// text is what a page says, without its markup.
func text(html string) string {
	html = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(html, " ")
	return strings.Join(strings.Fields(html), " ")
}

func TestOverview(t *testing.T) {
	m, h := newPage(t)
	code, page := get(t, h, "")
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, text(page), "The store answers")
	require.Contains(t, text(page), "No events yet.")
	require.Contains(t, text(page), "keeps the latest 500 events of each kind in its memory")
	require.Contains(t, text(page), "(pid ")

	id, _ := login(t, m, Session{User: "ann"})
	require.NoError(t, m.Revoke(t.Context(), id))
	login(t, m, Session{User: "bob"})
	_, page = get(t, h, "")
	require.Contains(t, text(page), "created stored for the first time")
	require.Contains(t, text(page), "2 created in an hour")
	require.Contains(t, text(page), "None of loaded, saved, touched, renewed, bound, destroyed,")
	require.Regexp(t, `save [\d.]+ .?s`, text(page), "how long the store takes, without an observer")
	require.Contains(t, text(page), "memstore.Store")
	require.Contains(t, text(page), "idle timeout 1 h, lifetime 1 d, 65,536 bytes at most, MsgPack")
	require.Contains(t, page, `href="./session/`+id+`"`, "in the tail")
}

// The observer of the program hears what the page hears.
func TestTheObserverStays(t *testing.T) {
	var seen []sesame.EventKind
	m, h := newPage(t, sesame.WithObserver(func(_ context.Context, e sesame.Event) { seen = append(seen, e.Kind) }))
	login(t, m, Session{User: "ann"})
	require.Equal(t, []sesame.EventKind{sesame.EventCreated}, seen)
	_, page := get(t, h, "events?kind=created")
	require.Contains(t, text(page), "ann")
}

func TestSession(t *testing.T) {
	m, h := newPage(t)
	id, token := login(t, m, Session{User: "ann", CSRF: secret, Cart: map[string]int{"tea": 2}, Note: "<b>hi</b>"})
	code, page := get(t, h, "session/"+id)
	require.Equal(t, http.StatusOK, code)
	said := text(page)
	require.Contains(t, said, "Session "+id)
	require.Contains(t, said, "ends in 1 h unless used")
	require.Contains(t, said, "At the latest ends in 1 d")
	require.Contains(t, said, "Logged in with its first token, or not at all")
	require.Contains(t, said, "Remembered no")
	require.Regexp(t, `Data MsgPack, \d+ bytes with its header, version 1`, said)
	require.Contains(t, said, "CSRF ••••• secret")
	require.Contains(t, said, `&#34;tea&#34; 2 int`)
	require.Contains(t, page, "&lt;b&gt;hi&lt;/b&gt;")
	require.Contains(t, said, "created")
	require.Contains(t, said, "End the session "+id[:4]+" "+id[4:19]+" "+id[19:]+" of ann , used just now ?", "the confirmation names what ends")
	require.NotContains(t, page, secret)
	require.NotContains(t, page, token)

	require.NoError(t, m.Revoke(t.Context(), id))
	code, page = get(t, h, "session/"+id)
	require.Equal(t, http.StatusNotFound, code)
	require.Contains(t, text(page), "No such session")
	require.Regexp(t, "revoked .* created", text(page), "why it is gone")
	for _, path := range []string{"session/" + token, "session/AAAA", "session/", "owner/no-such-owner"} {
		code, page = get(t, h, path)
		if path == "session/" {
			require.Equal(t, http.StatusOK, code)
			continue
		}
		require.Equal(t, http.StatusNotFound, code, path)
		require.NotContains(t, page, token)
	}
}

// The search takes a name or an ID. What it finds is addressed by an ID, and the
// secret of a token that was pasted by mistake goes nowhere.
func TestSearch(t *testing.T) {
	m, h := newPage(t)
	id, tok := login(t, m, Session{User: "ann"})
	for q, want := range map[string]string{
		id: "session/" + id, "  " + id + "\n": "session/" + id, tok: "session/" + id, "ann": "owner/" + id, "ann\n": "owner/" + id, "": "./",
		"AAAAAAAAAAAAAAAAAAAAAA": "session/AAAAAAAAAAAAAAAAAAAAAA",
	} {
		w := post(t, h, "search", url.Values{"q": {q}})
		require.Equal(t, http.StatusSeeOther, w.Code, q)
		to, err := url.Parse("/inspect/")
		require.NoError(t, err)
		to, err = to.Parse(want)
		require.NoError(t, err)
		require.Equal(t, to.Path, w.Header().Get("Location"), q)
		require.NotContains(t, w.Body.String(), tok)
	}
	w := post(t, h, "search", url.Values{"q": {"<i>carla"}})
	require.Equal(t, http.StatusNotFound, w.Code)
	require.Contains(t, w.Body.String(), "&lt;i&gt;carla")
	require.Contains(t, text(w.Body.String()), "No live session has this owner.")
	require.Equal(t, http.StatusNotFound, post(t, h, "search", url.Values{"q": {strings.Repeat("x", 1000)}}).Code)

	looksLikeAnID := "BBBBBBBBBBBBBBBBBBBBBA"
	other, _ := login(t, m, Session{User: looksLikeAnID})
	require.Equal(t, "/inspect/owner/"+other, post(t, h, "search", url.Values{"q": {looksLikeAnID}}).Header().Get("Location"))
}

func TestEnd(t *testing.T) {
	m, h := newPage(t)
	a1, _ := login(t, m, Session{User: "ann"})
	a2, _ := login(t, m, Session{User: "ann"})
	a3, _ := login(t, m, Session{User: "ann"})
	b, _ := login(t, m, Session{User: "bob"})
	n, _ := login(t, m, Session{Note: "no owner"})

	w := post(t, h, "end", url.Values{"id": {a1}})
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, text(w.Body.String()), "Ended the session "+a1+" of ann.")
	require.Contains(t, text(w.Body.String()), "ann 2 sessions", "what is left")
	require.False(t, lives(t, m, a1))
	require.True(t, lives(t, m, a2))

	w = post(t, h, "end", url.Values{"id": {a1}})
	require.Contains(t, text(w.Body.String()), "had ended before")

	_, page := get(t, h, "owner/"+a2)
	require.Contains(t, text(page), "End all 2 sessions of ann , and those that begin until then?")
	owner := regexp.MustCompile(`name="owner" value="([^"]+)"`).FindStringSubmatch(page)[1]
	w = post(t, h, "end", url.Values{"owner": {owner}})
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, text(w.Body.String()), "Ended 2 sessions of ann.")
	require.False(t, lives(t, m, a2) || lives(t, m, a3))
	require.True(t, lives(t, m, b))

	code, page := get(t, h, "owner/"+a2)
	require.Equal(t, http.StatusNotFound, code)
	require.Contains(t, text(page), "ann 0 sessions", "the events tell whose it was")
	require.Contains(t, text(page), "revoked")

	w = post(t, h, "end", url.Values{"id": {n}})
	require.Contains(t, text(w.Body.String()), "Ended the session "+n+", which had no owner.")
	require.Equal(t, http.StatusNotFound, post(t, h, "end", url.Values{"id": {"x"}}).Code)
	require.Equal(t, http.StatusNotFound, post(t, h, "end", url.Values{"owner": {"§"}}).Code)
	require.True(t, lives(t, m, b))
}

var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, "ann\r\nSet-Cookie: x=y", "\u202egpj.exe", "a\xff\xfe", "{{.}}", "javascript:alert(1)", "</textarea>", "&lt;b&gt;", "\x00", "%2e%2e/", "ann\u200b",
}

// Names, keys and values that try to be markup are text, and such an owner's
// sessions are ended, no other's.
func TestHostileNamesAndData(t *testing.T) {
	for _, evil := range hostile {
		m, h := newPage(t)
		id, _ := login(t, m, Session{User: evil, Note: evil, Cart: map[string]int{evil: 1}})
		ann, _ := login(t, m, Session{User: "ann"})
		var all strings.Builder
		for _, path := range []string{"", "sessions", "events", "session/" + id, "owner/" + id} {
			code, page := get(t, h, path)
			require.Equal(t, http.StatusOK, code, "%q: %s", evil, path)
			all.WriteString(page)
		}
		found := post(t, h, "search", url.Values{"q": {evil}})
		require.Equal(t, "/inspect/owner/"+id, found.Header().Get("Location"), "%q", evil)
		_, page := get(t, h, "owner/"+id)
		form := regexp.MustCompile(`name="owner" value="([^"]+)"`).FindStringSubmatch(page)[1]
		ended := post(t, h, "end", url.Values{"owner": {form}})
		require.Contains(t, text(ended.Body.String()), "Ended 1 session of")
		all.WriteString(ended.Body.String())
		require.False(t, lives(t, m, id), "%q", evil)
		require.True(t, lives(t, m, ann))
		for _, raw := range []string{"<script>alert", "<img src=x", "</textarea>", "' onmouse", "\u202e", "\u200b", "\x00", "\xff", "\r\nSet"} {
			require.False(t, strings.Contains(all.String(), raw), "%q: %q in a page", evil, raw)
		}
	}
}
