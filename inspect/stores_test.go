package inspect_test

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/inspect"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

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
	require.Regexp(t, `The store fails Since \d\d:\d\d:\d\d`, text(page))
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
		return strings.Contains(text(page), "The store fails")
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
	for n := range uint64(many - 1) {
		if r.Owner = "many"; n < 100 {
			r.Owner = "user 7"
		}
		binary.BigEndian.PutUint64(k[:], n)
		if _, err = s.Save(t.Context(), k, r); err != nil {
			require.NoError(t, err)
		}
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

	w = post(t, h, "search", url.Values{"q": {"many"}})
	_, page = get(t, h, strings.TrimPrefix(w.Header().Get("Location"), "/inspect/"))
	require.Contains(t, text(page), "End all 1,000&#43; sessions of many")

	_, page = get(t, h, "sessions?list=gone&page=3")
	require.Contains(t, text(page), "this is a new one")
	require.Contains(t, text(page), "Page 1 of 20")
}
