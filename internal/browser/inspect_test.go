package browser_test

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/inspect"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// An operator finds a user's sessions and ends one, with the keyboard alone.
func TestOperatorByKeyboard(t *testing.T) {
	o := operate(t)
	id := o.fill()
	b := look(t, 1280, "light")
	b.visit(o.url)
	_, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: "/", Text: "/"})
	require.NoError(t, err)
	b.press("ann")
	require.Equal(t, "ann", eval[string](b, `document.getElementById("q").value`))
	require.Contains(t, b.follow(`document.getElementById("q").form.requestSubmit()`), "ann 3 sessions")
	require.NotContains(t, eval[string](b, "location.href"), "ann", "no name in the address")

	focused := func() string { return eval[string](b, "document.activeElement.innerText.trim()") }
	reach := func(what string) {
		for range 60 {
			if focused() == what {
				return
			}
			b.press(kb.Tab)
		}
		require.FailNow(t, "no key leads to "+what)
	}
	reach("End all 3 sessions…")
	b.press(kb.Enter)
	require.Contains(t, b.text(), "End all 3 sessions of ann")
	b.press(kb.Escape)
	require.Equal(t, "End all 3 sessions…", focused(), "the focus is where it was")
	require.NotContains(t, b.text(), "End all 3 sessions of ann")
	require.True(t, o.lives(id))

	reach("End…")
	ending := eval[string](b, `document.activeElement.closest("li").querySelector("input[name=id]").value`)
	b.press(kb.Enter)
	require.Contains(t, b.text(), "of ann, used")
	b.press(kb.Tab)
	require.Equal(t, "End it", focused())
	b.press(kb.Enter)
	b.until(`document.querySelector(".notice")?.innerText.includes("Ended the session")`)
	require.Contains(t, b.text(), "Ended the session "+ending+" of ann.")
	require.Contains(t, b.text(), "ann 2 sessions")
	require.False(t, o.lives(ending))

	b.follow(`document.querySelector(".head details.end button.danger").click()`)
	require.Contains(t, b.text(), "Ended 2 sessions of ann.")
	require.False(t, o.lives(id))
	b.clean()
}

// Without JavaScript everything works except live updates.
func TestOperatorWithoutScripts(t *testing.T) {
	o := operate(t)
	o.fill()
	b := look(t, 390, "dark")
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(t, err)
	said := b.visit(o.url)
	require.Contains(t, said, "The store fails", "it has, a moment ago")
	require.Contains(t, said, "reload for news")
	require.Equal(t, "none", eval[string](b, `getComputedStyle(document.getElementById("pause")).display`), "no button that does nothing")
	click := func(css string) string {
		_, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(css)))
		require.NoError(t, err)
		return b.text()
	}
	require.Contains(t, click(`nav a[href$=sessions]`), "5 sessions")
	require.Contains(t, click(`nav a[href$=events]`), "unknown_token")
	require.Contains(t, click(`a[href="events?kind=store_error"]`), "connection refused")
	require.NotContains(t, eval[string](b, `document.getElementById("tail").innerText`), "created")
	require.NoError(t, chromedp.Do(b.ctx, chromedp.SendKeys(chromedp.CSS("#q"), "ann")))
	require.Contains(t, click(".search button"), "3 sessions")
	click(".sessions a.open")
	require.Contains(t, b.text(), "Data MsgPack")
	require.NoError(t, chromedp.Do(b.ctx, chromedp.Click(chromedp.CSS("details.end summary"))))
	ended := eval[string](b, `document.querySelector("h1 code").innerText`)
	require.Contains(t, click("details.end button.danger"), "Ended the session "+ended+" of ann.")
	require.False(t, o.lives(ended))
}

// The page updates itself, and does not move the part that is being read.
func TestOperatorsPageIsLive(t *testing.T) {
	o := operate(t)
	o.fill()
	b := look(t, 1280, "light")
	b.visit(o.url)
	b.until(`document.getElementById("live").innerText === "live"`)
	figure := eval[string](b, `document.querySelector("#f1").innerText`)
	o.visit("", shopper{User: "late"})
	b.until(`document.getElementById("tail").innerText.includes("late")`)
	b.until(`document.querySelector("#f1").innerText !== ` + fmt.Sprintf("%q", figure))

	eval[bool](b, `document.getElementById("pause").click(), true`)
	o.visit("", shopper{User: "unseen"})
	b.until(`document.getElementById("pause").innerText === "Resume (1 new)"`)
	require.NotContains(t, eval[string](b, `document.getElementById("tail").innerText`), "unseen")
	eval[bool](b, `document.getElementById("pause").click(), true`)
	b.until(`document.getElementById("tail").innerText.includes("unseen")`)
	require.Equal(t, "Pause", eval[string](b, `document.getElementById("pause").innerText`))

	// The chart can be read with the keyboard, and keeps the focus when it is redrawn.
	eval[bool](b, `document.getElementById("chart").focus({focusVisible: true}), true`)
	b.press(kb.End)
	b.until(`/^\d\d:\d\d — .*created/.test(document.getElementById("readout").innerText)`)
	before := eval[string](b, `document.getElementById("readout").innerText`)
	eval[bool](b, `document.querySelector("#chart svg").old = true`)
	o.visit("", shopper{User: "more"})
	b.until(`!document.querySelector("#chart svg").old`)
	b.until(`document.getElementById("readout").innerText !== ` + fmt.Sprintf("%q", before))
	require.Equal(t, "chart", eval[string](b, "document.activeElement.id"))

	// In a long list, the rows below the top stay in place.
	for range 60 {
		o.visit("", shopper{User: "many"})
	}
	b.visit(o.url + "events")
	b.until(`document.getElementById("live").innerText === "live"`)
	eval[bool](b, `window.row = document.getElementById("tail").rows[40], row.scrollIntoView(), window.at = row.getBoundingClientRect().top, true`)
	o.visit("", shopper{User: "newest"})
	b.until(`document.getElementById("tail").innerText.includes("newest")`)
	require.InDelta(t, eval[float64](b, "window.at"), eval[float64](b, "row.getBoundingClientRect().top"), 1.5)
	b.clean()
}

// The page of a session shows that the session has ended, and that the store is down.
func TestOperatorSeesTheEnd(t *testing.T) {
	o := operate(t)
	id := o.fill()
	b := look(t, 1280, "dark")
	b.visit(o.url + "session/" + id)
	require.Contains(t, b.text(), "CSRF ••••• secret")
	require.NotContains(t, eval[string](b, "document.documentElement.outerHTML"), "kept-secret")
	eval[bool](b, `document.querySelector(".tree details").open = false, true`)
	require.NoError(t, o.sessions.Revoke(t.Context(), id))
	b.until(`document.getElementById("facts").innerText.includes("This session has ended")`)
	require.False(t, eval[bool](b, `document.querySelector(".tree details").open`), "the tree stays as it was")
	eval[bool](b, `getSelection().selectAllChildren(document.querySelector("h1 code")), true`)
	require.Equal(t, id, eval[string](b, "String(getSelection())"))

	b.visit(o.url)
	eval[bool](b, `getSelection().selectAllChildren(document.querySelector("#tail code.id")), true`)
	require.Len(t, eval[string](b, "String(getSelection())"), 22, "what is copied is the whole ID")
	o.store.down.Store(true)
	b.until(`document.getElementById("status").innerText.includes("The store fails")`)
	require.Contains(t, b.text(), "no user is logged out")
	b.clean()
	require.Contains(t, b.visit(o.url+"session/"+id), "The store does not answer")
	b.clean()
}

// A page of another site can neither frame the page, nor end a session, nor read one.
func TestOtherSitesAndTheOperator(t *testing.T) {
	o := operate(t)
	id := o.fill()
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/frame":
			fmt.Fprintf(w, `<iframe src="%s" onload="document.title = 'loaded'"></iframe>`, o.url)
		case "/form":
			fmt.Fprintf(w, `<form method="post" action="%send"><input name="id" value="%s"></form><script>document.forms[0].submit()</script>`, o.url, id)
		case "/read":
			fmt.Fprintf(w, `<script>addEventListener("load", async () => {
				const asked = await Promise.allSettled([fetch("%[1]s"), fetch("%[1]slive?page=overview"), fetch("%[1]send", {method: "POST", body: new URLSearchParams({id: "%[2]s"}), mode: "no-cors"})]);
				const stream = new EventSource("%[1]slive?page=overview");
				stream.onopen = stream.onerror = (e) => document.title = asked.map((a) => a.status).join() + "," + e.type;
			})</script><script src="%[1]sscript.js" onload="window.got = true"></script>`, o.url, id)
		}
	}))
	t.Cleanup(evil.Close) // 127.0.0.1, where the page is localhost
	b := newWindow(t)
	b.visit(evil.URL + "/frame")
	b.until(`document.title === "loaded"`)
	require.Equal(t, int64(0), o.styles.Load(), "the frame is empty")
	b.visit(o.url)
	require.Equal(t, int64(1), o.styles.Load(), "a window is not")
	b.visit(evil.URL + "/form")
	b.until(`location.pathname === "/inspect/end"`)
	require.Contains(t, b.text(), "this form comes from another site")
	b.visit(evil.URL + "/read")
	b.until(`document.title !== ""`)
	require.Equal(t, "rejected,rejected,rejected,error", eval[string](b, "document.title"))
	require.False(t, eval[bool](b, "!!window.got"))
	require.True(t, o.lives(id))
}

// A hundred thousand sessions are listed in pages.
func TestOperatorOfManySessions(t *testing.T) {
	const many = 100_000
	o := operate(t)
	o.store.Store = memstore.New(memstore.WithMaxSessions(2 * many))
	_, id := o.visit("", shopper{User: "ann"})
	k, err := store.ParseKey(id)
	require.NoError(t, err)
	r, err := o.store.Load(t.Context(), k)
	require.NoError(t, err)
	r.Version, r.Owner = 0, "everyone"
	for n := range uint64(many - 1) {
		binary.BigEndian.PutUint64(k[:], n)
		_, err := o.store.Save(t.Context(), k, r)
		require.NoError(t, err)
	}
	b := look(t, 1280, "light")
	for _, path := range []string{"", "sessions", "session/" + id} {
		b.visit(o.url + path)
		t.Logf("%q of %d sessions took %.0f ms in the browser", path, many, eval[float64](b, `performance.getEntriesByType("navigation")[0].domComplete`))
	}
	require.Contains(t, b.visit(o.url), "100,000")
	require.Contains(t, b.visit(o.url+"sessions"), "Page 1 of 20")
	require.Equal(t, 50, eval[int](b, `document.querySelectorAll(".sessions li").length`))
	require.Contains(t, b.follow(`document.querySelector("a[rel=next]").click()`), "Page 2 of 20")
}

// If the store cannot list its sessions, the page says what to do.
func TestOperatorOfAStoreWithoutList(t *testing.T) {
	engine := memstore.New()
	type indexed struct {
		store.Store
		store.OwnerIndex
	}
	m := sesame.New[shopper](sesame.WithStore(indexed{engine, engine}))
	server := httptest.NewServer(inspect.Handler(m, inspect.Allow(func(*http.Request) bool { return true })))
	t.Cleanup(server.Close)
	b := look(t, 390, "light")
	require.Contains(t, b.visit(server.URL+"/sessions"), "This store cannot list its sessions")
	require.Contains(t, b.visit(server.URL+"/"), "cannot list its sessions")
	require.Contains(t, b.follow(`document.querySelector(".count button").click()`), "could not be counted")
	b.clean()
}
