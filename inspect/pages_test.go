package inspect_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/inspect"
	"github.com/sesame-go/sesame/internal/token"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
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
	require.Contains(t, text(page), "None of loaded, saved, touched, renewed, destroyed,")
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
	for _, path := range []string{"session/" + token, "session/AAAA", "session/", "owner/nobody"} {
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
	n, _ := login(t, m, Session{Note: "nobody's"})

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

func TestDown(t *testing.T) {
	s := newShaky()
	m, h := newPage(t, sesame.WithStore(s))
	id, tok := login(t, m, Session{User: "ann"})
	get(t, h, "")
	s.down.Store(true)
	w := ask(m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { m.Get(r.Context()) })), "GET", "/", nil, map[string]string{"Cookie": "__Host-Http-session_id=" + tok})
	require.Equal(t, http.StatusServiceUnavailable, w.Code)

	code, page := get(t, h, "")
	require.Equal(t, http.StatusOK, code, "the page itself stays")
	require.Contains(t, text(page), "The store does not answer")
	require.Regexp(t, `It has been down since \d\d:\d\d:\d\d`, text(page))
	require.Contains(t, page, "connection refused &lt;script&gt;")
	require.Contains(t, text(page), "1 store errors in an hour")
	for _, path := range []string{"sessions", "session/" + id, "owner/" + id} {
		code, page = get(t, h, path)
		require.Equal(t, http.StatusServiceUnavailable, code, path)
		require.Contains(t, text(page), "no user is logged out", path)
		require.NotContains(t, page, "<script>alert", path)
	}
	require.Equal(t, http.StatusServiceUnavailable, post(t, h, "search", url.Values{"q": {"ann"}}).Code)
	for _, form := range []url.Values{{"id": {id}}, {"owner": {base64.RawURLEncoding.EncodeToString([]byte("ann"))}}} {
		w = post(t, h, "end", form)
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Contains(t, w.Body.String(), "may still be valid")
	}
	s.down.Store(false)
	code, page = get(t, h, "session/"+id)
	require.Equal(t, http.StatusOK, code)
	require.Contains(t, text(page), "ann")
}

// A store that does not answer at all holds no page up.
func TestHangs(t *testing.T) {
	s := newShaky()
	_, h := newPage(t, sesame.WithStore(s), sesame.WithStoreTimeout(2*time.Second))
	s.hangs.Store(true)
	began := time.Now()
	code, _ := get(t, h, "")
	require.Equal(t, http.StatusOK, code)
	require.Less(t, time.Since(began), 1500*time.Millisecond)
	require.Eventually(t, func() bool {
		_, page := get(t, h, "")
		return strings.Contains(text(page), "The store does not answer")
	}, 10*time.Second, 100*time.Millisecond)
}

// Stores that can do less: the page says so, and does the rest.
func TestLesserStores(t *testing.T) {
	engine := memstore.New()
	type keyed struct{ store.Store }
	type indexed struct {
		store.Store
		store.OwnerIndex
	}
	type listed struct {
		store.Store
		store.Lister
	}
	t.Run("cannot list", func(t *testing.T) {
		m, h := newPage(t, sesame.WithStore(indexed{engine, engine}))
		id, _ := login(t, m, Session{User: "ann"})
		_, page := get(t, h, "sessions")
		require.Contains(t, text(page), "This store cannot list its sessions")
		require.Equal(t, "/inspect/owner/"+id, post(t, h, "search", url.Values{"q": {"ann"}}).Header().Get("Location"))
		_, page = get(t, h, "")
		require.Contains(t, text(page), "sessions, not counted")
		require.Equal(t, http.StatusServiceUnavailable, post(t, h, "count", nil).Code)
	})
	t.Run("no index, no count", func(t *testing.T) {
		m, h := newPage(t, sesame.WithStore(listed{engine, engine}))
		id, _ := login(t, m, Session{User: "bob"})
		_, page := get(t, h, "owner/"+id)
		require.Contains(t, text(page), "bob 1 session")
		require.Contains(t, text(page), "no index of owners")
		w := post(t, h, "count", nil)
		require.Contains(t, text(w.Body.String()), "The store was read: 2 sessions live.")
		_, page = get(t, h, "")
		require.Contains(t, text(page), "2 sessions now")
	})
	t.Run("neither, and no owners", func(t *testing.T) {
		m := sesame.New[struct{ N int }](sesame.WithStore(keyed{engine}), quiet)
		h := http.NewServeMux()
		h.Handle("/inspect/", inspect.Handler(m, inspect.Allow(everyone)))
		cookie := sesametest.Cookie(t, m, struct{ N int }{7})
		id, _, _ := strings.Cut(cookie.Value, ".")
		_, page := get(t, h, "session/"+id)
		require.Contains(t, text(page), "N 7 int")
		require.Contains(t, text(page), "the session type has no method Owner")
		require.Contains(t, text(post(t, h, "search", url.Values{"q": {"ann"}}).Body.String()), "The sessions of this program have no owners")
		require.Contains(t, text(post(t, h, "end", url.Values{"id": {id}}).Body.String()), "Ended the session")
	})
}

// A session that this program cannot read is listed with why, and can be ended.
// To look at it is no event.
func TestUnreadable(t *testing.T) {
	s := memstore.New()
	m, h := newPage(t, sesame.WithStore(s))
	id, _ := login(t, m, Session{User: "ann"})
	k, err := store.ParseKey(id)
	require.NoError(t, err)
	r, err := s.Load(t.Context(), k)
	require.NoError(t, err)
	r.Data = append(append([]byte{}, r.Data[:len(r.Data)-3]...), 0xc1, 0xc1, 0xc1)
	_, err = s.Save(t.Context(), k, r)
	require.NoError(t, err)
	for _, path := range []string{"sessions", "session/" + id, "owner/" + id} {
		code, page := get(t, h, path)
		require.Equal(t, http.StatusOK, code, path)
		require.Regexp(t, "unreadable|cannot read it", text(page), path)
	}
	_, page := get(t, h, "events")
	require.NotContains(t, text(page), "corrupt")
	post(t, h, "end", url.Values{"id": {id}})
	require.Zero(t, s.Len())
}

// Sessions of older versions are shown as this program reads them.
func TestOlderVersion(t *testing.T) {
	type V1 struct{ Name string }
	m, h := newPage(t, sesame.WithUpgrade(2, func(old V1) Session { return Session{User: old.Name} }))
	cookie := sesametest.OldCookie(t, m, 1, V1{"ann"})
	id, _, _ := strings.Cut(cookie.Value, ".")
	_, page := get(t, h, "session/"+id)
	require.Contains(t, text(page), "version 1, read as version 2")
	require.Contains(t, text(page), `User &#34;ann&#34;`)
}

// Of many sessions a page shows fifty, and reads no more than a list has. The
// pages of a list have each of its sessions once.
func TestManySessions(t *testing.T) {
	const many = 100_000
	s := newShaky()
	s.Store = memstore.New(memstore.WithMaxSessions(2 * many))
	m, h := newPage(t, sesame.WithStore(s))
	_, tok := login(t, m, Session{User: "ann"})
	id, _, _ := strings.Cut(tok, ".")
	k, err := store.ParseKey(id)
	require.NoError(t, err)
	r, err := s.Load(t.Context(), k)
	require.NoError(t, err)
	r.Version = 0
	for n := range many - 1 {
		r.Owner = fmt.Sprint("user ", n%1000)
		fresh, err := store.ParseKey(token.New()[:22])
		require.NoError(t, err)
		_, err = s.Save(t.Context(), fresh, r)
		require.NoError(t, err)
	}
	s.reads.Store(0)
	s.lists.Store(0)
	began := time.Now()
	_, page := get(t, h, "sessions")
	t.Logf("the first page of %d sessions took %s", many, time.Since(began))
	require.LessOrEqual(t, s.lists.Load(), int64(1001))
	require.LessOrEqual(t, s.reads.Load(), int64(50))
	require.Less(t, len(page), 150_000)
	require.Contains(t, text(page), "more than 1,000 sessions")
	require.Contains(t, text(page), "Page 1 of 20")

	rows := regexp.MustCompile(`class="open" href="./session/([^"]+)"`)
	seen := map[string]bool{}
	for n := 1; ; n++ {
		found := rows.FindAllStringSubmatch(page, -1)
		require.Len(t, found, 50)
		for _, id := range found {
			require.False(t, seen[id[1]], "twice")
			seen[id[1]] = true
		}
		next := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(page)
		if next == nil {
			require.Equal(t, 20, n)
			break
		}
		_, page = get(t, h, strings.ReplaceAll(next[1], "&amp;", "&"))
	}
	require.LessOrEqual(t, s.lists.Load(), int64(1001), "one walk for all pages")

	began = time.Now()
	_, page = get(t, h, "")
	t.Logf("the overview took %s", time.Since(began))
	require.Contains(t, text(page), "100,000 sessions now")
	began = time.Now()
	w := post(t, h, "search", url.Values{"q": {"user 7"}})
	_, page = get(t, h, strings.TrimPrefix(w.Header().Get("Location"), "/inspect/"))
	t.Logf("an owner's page took %s", time.Since(began))
	require.Contains(t, text(page), "user 7 100 sessions")
	require.Contains(t, text(page), "Page 1 of 2")

	_, page = get(t, h, "sessions?list=gone&page=3")
	require.Contains(t, text(page), "this is a new one")
	require.Contains(t, text(page), "Page 1 of 20")
}
