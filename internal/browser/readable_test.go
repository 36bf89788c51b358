package browser_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Every page, in light and dark colours, wide and narrow, has enough contrast (WCAG
// 2.2, 1.4.3 and 1.4.11), no markup of users, no violation of its security policy, and
// no horizontal scrolling.
func TestOperatorsPagesAreReadable(t *testing.T) {
	const contrast = `(() => {
		const rgb = (c) => c.match(/[\d.]+/g).map(Number);
		const luminance = ([r, g, b]) => [r, g, b].map((v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
			.reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
		const ratio = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
		const behind = (e) => {
			for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] !== 0) return c; }
			return [255, 255, 255];
		};
		const bad = [];
		let n = 0;
		const check = (e, colour, least, what) => {
			n++;
			const got = ratio(rgb(colour), behind(e));
			if (got < least) bad.push(what.trim().slice(0, 40) + ": " + got.toFixed(2));
		};
		for (const d of document.querySelectorAll("details")) d.open = true;
		const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		for (let t; t = walk.nextNode();) {
			const e = t.parentElement;
			if (t.data.trim() && e.checkVisibility() && getComputedStyle(e).fontSize !== "0px") check(e, getComputedStyle(e).color, 4.5, t.data);
		}
		const q = document.getElementById("q");
		check(q, getComputedStyle(q, "::placeholder").color, 4.5, "placeholder");
		check(q.parentElement, getComputedStyle(q).borderTopColor, 3, "border of the search");
		for (const e of document.querySelectorAll(".bars, .left")) check(e, getComputedStyle(e).fill, 3, "fill of " + e.classList);
		for (const e of document.querySelectorAll(".dot")) check(e.parentElement, getComputedStyle(e).backgroundColor, 3, "dot");
		if (n < 10) bad.push("only " + n + " texts");
		return bad;
	})()`
	o := operate(t)
	id := o.fill()
	for _, width := range []int64{1280, 390} {
		for _, scheme := range []string{"light", "dark"} {
			b := look(t, width, scheme)
			for _, path := range []string{"", "sessions", "events", "events?kind=created", "session/" + id, "owner/" + id, "session/AAAAAAAAAAAAAAAAAAAAAA", "nothing"} {
				b.visit(o.url + path)
				require.Equal(t, scheme == "dark", eval[bool](b, `(([r]) => r < 128)(getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number))`))
				require.Empty(t, eval[[]string](b, contrast), "%s, %s, %d wide", path, scheme, width)
				require.LessOrEqual(t, eval[int64](b, "document.documentElement.scrollWidth"), width, path)
				require.Equal(t, 1, eval[int](b, `document.querySelectorAll("h1").length`), path)
				require.Zero(t, eval[int](b, `[...document.querySelectorAll("[id]")].length - new Set([...document.querySelectorAll("[id]")].map((e) => e.id)).size`), "an ID twice: %s", path)
				require.Zero(t, eval[int](b, `[...document.querySelectorAll("a, button, summary, input:not([type=hidden])")].filter((e) => e.checkVisibility() && !(e.innerText || e.ariaLabel)?.trim()).length`), "a control without a name: %s", path)
				b.clean()
			}
		}
	}
	b := look(t, 1280, "light")
	b.visit(o.url)
	eval[bool](b, `document.getElementById("theme").click(), true`)
	b.visit(o.url + "events")
	require.Equal(t, "dark", eval[string](b, `document.documentElement.dataset.theme`), "what the engineer has chosen stays")
	require.Empty(t, eval[[]string](b, contrast))
}
