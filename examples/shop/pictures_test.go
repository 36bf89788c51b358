package main

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/sesametest"
)

var pictures = flag.String("pictures", "", "`directory` to write pictures of the pages to")

// Every page fits on a phone and a desktop, and shows its pictures.
func TestPagesFit(t *testing.T) {
	t.Parallel()
	s := testShop()
	url := serve(t, s)
	b := newWindow(t)
	b.visit(url)
	b.fits("front")
	for _, good := range []string{"assam", "sesame", "sesame"} {
		b.press(`form:has([value="` + good + `"]) button`)
	}
	b.visit(url + "/cart")
	b.fits("cart")
	b.press(".total button")
	b.fits("login")
	eval[bool](b, `document.querySelector("[name=remember]").checked = true`)
	b.signIn("ann", "apple")
	b.visit(url + "/cart")
	b.press(".total button")
	b.ask("How long does Sencha steep?")
	b.says("Thank you, Ann.")
	b.fits("account")

	for agent, address := range map[string]string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile Safari/604.1": "203.0.113.x",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0":                                                 "198.51.100.x",
	} {
		sesametest.Cookie(t, s.sessions, Session{User: "ann", Name: "Ann", Device: Device{agent, address}})
	}
	for _, page := range []string{"devices", "password", "confirm"} {
		b.visit(url + "/" + page)
		b.fits(page)
	}
	carol := newWindow(t).signedIn(url, "carol", "cherry")
	carol.visit(url + "/admin")
	carol.fits("admin")
}

// fits looks at the page on each screen, in the light and in the dark. It fails
// the test if it has to be moved sideways, or an image did not come.
func (b tab) fits(name string) {
	b.t.Helper()
	for screen, size := range map[string]emulation.SetDeviceMetricsOverrideParams{
		"desktop": {Width: 1180, Height: 800, DeviceScaleFactor: 1},
		"phone":   {Width: 390, Height: 800, DeviceScaleFactor: 1, Mobile: true},
	} {
		_, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, size)
		require.NoError(b.t, err)
		for _, scheme := range []string{"light", "dark"} {
			_, err = chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			require.NoError(b.t, err)
			require.LessOrEqual(b.t, eval[int](b, "document.documentElement.scrollWidth"), int(size.Width), "%s, %s", name, screen)
			if *pictures != "" {
				png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
				require.NoError(b.t, err)
				file := filepath.Join(*pictures, name+"-"+screen+"-"+scheme+".png")
				require.NoError(b.t, os.WriteFile(file, png, 0o666))
			}
		}
	}
	require.Empty(b.t, eval[[]string](b, `Array.from(document.images).filter(i => !i.naturalWidth).map(i => i.src)`), name)
}
