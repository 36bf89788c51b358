package browser_test

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// ownBrowser starts a browser with its own profile; end closes the browser.
func ownBrowser(t *testing.T, profile string) (b tab, end func()) {
	ctx, err := launch(profile, chromedp.UserDataDir(profile))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(ctx, patience)
	end = func() {
		require.NoError(t, chromedp.Cancel(ctx))
		cancel()
	}
	return tab{t, ctx}, end
}

// The key and the session survive a restart of the browser if the session's cookie
// does.
func TestDeviceAndRestartOfTheBrowser(t *testing.T) {
	s, profile := bound(t), t.TempDir()
	b, end := ownBrowser(t, profile)
	b.visit(s.url + "/login?remember=yes")
	s.await(register + " 200")
	require.Equal(t, "ann bound", b.visit(s.url))
	end()

	b, end = ownBrowser(t, profile)
	defer end()
	b.visit("about:blank")
	b.expire(s.url)
	s.forget()
	require.Equal(t, "ann bound", b.visit(s.url))
	require.Equal(t, []string{refresh + " 403", refresh + " 200", "GET / 200"}, s.asked())
}
