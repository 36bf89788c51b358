package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// patience bounds the start of Chromium and each use of a window. It allows for a
// very busy machine.
const patience = 2 * time.Minute

// chromium starts the one browser of all tests, and stopChromium ends it.
var (
	chromium     = sync.OnceValues(startChromium)
	stopChromium = func() {}
)

func startChromium() (context.Context, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		path, err = exec.LookPath("google-chrome")
	}
	if err != nil {
		return nil, errors.New("these tests need chromium or google-chrome in PATH, version 140 or later: on Debian, install the package chromium")
	}
	home, err := os.MkdirTemp("", "sesame-chromium")
	if err != nil {
		return nil, err
	}
	// chromedp makes a temporary profile and, for root, adds --no-sandbox.
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.Env("HOME="+home), // for what Chromium keeps outside of its profile
	)
	ctx, _ := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, cancel := chromedp.NewContext(ctx)
	stopChromium = func() {
		chromedp.Cancel(ctx)
		os.RemoveAll(home)
	}
	tooLong := time.AfterFunc(patience, cancel)
	defer tooLong.Stop()
	return ctx, chromedp.Do(ctx)
}

// A tab shows one page at a time. Tabs of one window have the same cookies.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// newWindow opens a window that has no cookies yet, with one tab.
func newWindow(t *testing.T) tab {
	ctx, err := chromium()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	return openTab(t, ctx, chromedp.WithNewBrowserContext())
}

// another opens one more tab in the same window.
func (b tab) another() tab { return openTab(b.t, b.ctx) }

func openTab(t *testing.T, ctx context.Context, options ...chromedp.ContextOption) tab {
	ctx, _ = chromedp.NewContext(ctx, options...)
	t.Cleanup(func() { chromedp.Cancel(ctx) })
	require.NoError(t, chromedp.Do(ctx))
	return tab{t, ctx}
}

// visit returns what the page at url says.
func (b tab) visit(url string) string {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.Navigate(url)))
	return b.text()
}

// press clicks what a CSS selector finds first, and returns what the page says
// to which that leads.
func (b tab) press(selector string) string {
	b.t.Helper()
	_, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(selector)))
	require.NoError(b.t, err)
	return b.text()
}

// fill types into the field of a name.
func (b tab) fill(name, text string) {
	b.t.Helper()
	field := chromedp.CSS(`main [name="` + name + `"]`)
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.Clear(field), chromedp.SendKeys(field, text)))
}

func (b tab) text() string { return eval[string](b, "document.body.innerText.trim()") }

// path returns where the tab is, without the host.
func (b tab) path() string { return eval[string](b, "location.pathname + location.search") }

// cookies returns what the browser would send with the page's next request.
func (b tab) cookies() []*network.Cookie {
	got, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{})
	require.NoError(b.t, err)
	return got.Cookies
}

// eval runs a script in the page, and waits if its value is a promise.
func eval[T any](b tab, script string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err)
	return value
}

// becomes waits until a script's value is true.
func (b tab) becomes(script string) {
	b.t.Helper()
	for !eval[bool](b, script) {
		if b.ctx.Err() != nil {
			require.Fail(b.t, "it never is: "+script, b.text())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// says waits until the page says something.
func (b tab) says(text string) {
	b.t.Helper()
	b.becomes("document.body.innerText.includes(" + "`" + strings.ReplaceAll(text, "`", "") + "`)")
}

func (b tab) signIn(user, password string) string {
	b.t.Helper()
	b.fill("user", user)
	b.fill("password", password)
	return b.press(`form[action="/login"] button`)
}

// signedIn signs in at the log-in page of a shop.
func (b tab) signedIn(url, user, password string) tab {
	b.t.Helper()
	b.visit(url + "/login")
	b.signIn(user, password)
	return b
}

// ask puts a question to the shop, once the page may.
func (b tab) ask(question string) {
	b.t.Helper()
	b.becomes(`!document.querySelector("#ask").hidden`)
	field := chromedp.CSS("#question")
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.SendKeys(field, question), chromedp.Click(chromedp.CSS("#ask button"))))
}
