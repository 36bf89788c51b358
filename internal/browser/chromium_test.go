package browser_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/dbsc"
)

// patience bounds the start of Chromium and each use of a window. It is long enough
// for a very busy machine.
const patience = 3 * time.Minute

// chromium starts the one browser of all tests, and stopChromium ends it.
var (
	chromium     = sync.OnceValues(startChromium)
	stopChromium = func() {}
)

func TestMain(m *testing.M) {
	dbsc.MinLifetime = time.Second // the tests cannot wait for minutes
	if dir := os.Getenv("BROWSER_TEST_SESSIONS"); dir != "" {
		program(dir)
		return
	}
	code := m.Run()
	stopChromium()
	os.Exit(code)
}

func startChromium() (context.Context, error) {
	home, err := os.MkdirTemp("", "sesame-chromium")
	if err != nil {
		return nil, err
	}
	// chromedp makes a temporary profile.
	ctx, err := launch(home)
	if err != nil {
		return nil, err
	}
	stopChromium = func() {
		chromedp.Cancel(ctx)
		os.RemoveAll(home)
	}
	return ctx, nil
}

// launch starts a browser. Chromium keeps files outside its profile in home.
func launch(home string, options ...chromedp.ExecAllocatorOption) (context.Context, error) {
	path := os.Getenv("SESAME_TEST_CHROMIUM")
	if path == "" {
		return nil, errors.New("SESAME_TEST_CHROMIUM is not set: run the tests by scripts/services run redis postgres mariadb chromium -- go test")
	}
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.IgnoreCertErrors,
		// Chromium binds sessions to devices only over HTTPS with a valid certificate
		// and, on Linux, only if a flag for tests allows keys in software.
		chromedp.Flag("enable-features", "DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting"),
		chromedp.Flag("ignore-certificate-errors-spki-list", pin()),
		chromedp.Flag("host-resolver-rules", "MAP *.test 127.0.0.1"),
		chromedp.Env("HOME="+home),
	)
	// If the user is root, chromedp adds --no-sandbox.
	ctx, _ := chromedp.NewExecAllocator(context.Background(), append(flags, options...)...)
	ctx, cancel := chromedp.NewContext(ctx)
	tooLong := time.AfterFunc(patience, cancel)
	defer tooLong.Stop()
	return ctx, chromedp.Do(ctx)
}

// pin returns the pin with which Chromium trusts the certificate of httptest.
func pin() string {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	sum := sha256.Sum256(server.Certificate().RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
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
	version, err := chromedp.CallBrowser(ctx, browser.GetVersion, struct{}{})
	require.NoError(t, err)
	t.Log(version.Product)
	ctx, cancel := context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	return open(t, ctx, chromedp.WithNewBrowserContext())
}

// another opens a second tab in the same window.
func (b tab) another() tab { return open(b.t, b.ctx) }

func open(t *testing.T, ctx context.Context, options ...chromedp.ContextOption) tab {
	ctx, _ = chromedp.NewContext(ctx, options...)
	t.Cleanup(func() { chromedp.Cancel(ctx) })
	require.NoError(t, chromedp.Do(ctx))
	return tab{t, ctx}
}

// visit loads a page and returns its text.
func (b tab) visit(url string) string {
	require.NoError(b.t, chromedp.Do(b.ctx, chromedp.Navigate(url)))
	return b.text()
}

// click follows the page's first link and returns the text of the next page.
func (b tab) click() string {
	_, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS("a")))
	require.NoError(b.t, err)
	return b.text()
}

func (b tab) text() string { return eval[string](b, "document.body.innerText.trim()") }

// cookies returns what the browser would send with the page's next request.
func (b tab) cookies() []*network.Cookie {
	got, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{})
	require.NoError(b.t, err)
	return got.Cookies
}

// eval runs a script in the page, and waits if its value is a promise.
func eval[T any](b tab, script string) T {
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err)
	return value
}

// receive waits for the server's report about the page's request.
func receive[T any](b tab, from <-chan T) (value T) {
	select {
	case value = <-from:
	case <-b.ctx.Done():
		require.NoError(b.t, b.ctx.Err())
	}
	return value
}
