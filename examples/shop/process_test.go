package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// The test binary is the shop, too, when a test starts it as one.
func TestMain(m *testing.M) {
	if where, ok := os.LookupEnv("SHOP_STORE"); ok {
		fmt.Fprintln(os.Stderr, run(context.Background(), config{addr: "localhost:0", store: where}, testAccounts()))
		os.Exit(1)
	}
	code := m.Run()
	stopChromium()
	os.Exit(code)
}

// startProcess starts a shop in a process of its own, until the test ends.
func startProcess(t *testing.T, where string) (url string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SHOP_STORE="+where)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	said := new(strings.Builder)
	lines := bufio.NewScanner(io.TeeReader(stderr, said))
	for url == "" && lines.Scan() {
		url = regexp.MustCompile(`http://localhost:\d+`).FindString(lines.Text())
	}
	require.NotEmpty(t, url, "the shop did not start: %s", said)
	go func() { _, _ = io.Copy(io.Discard, stderr) }()
	return url
}

// twoProcesses starts two shops on one Redis. A browser sends both the same
// cookie, as cookies do not know of ports.
func twoProcesses(t *testing.T) (a, b string) {
	address := os.Getenv("SESAME_TEST_REDIS")
	require.NotEmpty(t, address, "SESAME_TEST_REDIS is not set; run: scripts/services run redis -- go test ./...")
	where := "redis://" + address + "/10" // a database that no other test uses
	return startProcess(t, where), startProcess(t, where)
}

// listen opens an EventSource and a WebSocket in the page, and waits until both
// are open.
func (b tab) listen() {
	b.t.Helper()
	eval[bool](b, `new Promise((resolve, reject) => {
		window.events = new EventSource("/account/orders");
		events.onmessage = () => {
			window.socket = new WebSocket(new URL("/account/chat", location.href.replace(/^http/, "ws")));
			socket.onopen = () => resolve(true);
			socket.onerror = reject;
		};
		window.ended = Promise.all([
			new Promise(ended => { events.onerror = () => ended(Date.now()) }),
			new Promise(ended => { setTimeout(function look() {
				window.socket?.readyState > 1 ? ended(Date.now()) : setTimeout(look, 5);
			}, 5) }),
		]);
	})`)
}

// heard waits until both have ended, and returns how long after began.
func (b tab) heard(began time.Time) (events, socket time.Duration) {
	b.t.Helper()
	at := eval[[]int64](b, "window.ended")
	return time.UnixMilli(at[0]).Sub(began), time.UnixMilli(at[1]).Sub(began)
}

// Of one browser's two tabs each is at another process. A log-out in the one
// ends the EventSource and the WebSocket of the other.
func TestStreamsEndOnTwoProcesses(t *testing.T) {
	t.Parallel()
	a, b := twoProcesses(t)
	for name, at := range map[string][2]string{"from one to the other": {a, b}, "and back": {b, a}} {
		t.Run(name, func(t *testing.T) {
			here := newWindow(t).signedIn(at[0], "ann", "apple")
			bystander := newWindow(t).signedIn(at[0], "ann", "apple")
			for _, w := range []tab{here, bystander} {
				w.visit(at[0] + "/account")
				w.listen()
			}
			there := here.another()
			require.Contains(t, there.visit(at[1]+"/account"), "Your orders")

			began := time.Now()
			there.press(`form[action="/logout"] button`)
			events, socket := here.heard(began)
			t.Logf("after the click: EventSource %v, WebSocket %v", events, socket)
			here.becomes(`!document.querySelector("#ended").hidden && document.querySelector("#ask").hidden`)
			require.Equal(t, 2, eval[int](here, "events.readyState"), "it does not come back")

			require.Equal(t, 1, eval[int](bystander, "events.readyState"))
			require.Equal(t, 1, eval[int](bystander, "socket.readyState"))
			require.Contains(t, bystander.visit(at[1]+"/devices"), "this one")
		})
	}
}

// Mallory has a copy of ann's cookie, and streams with it at one process. When
// ann gives her password again, at the other, these streams end and cannot be
// opened again. Hers come back by themselves.
func TestStreamOfCopiedCookieEnds(t *testing.T) {
	t.Parallel()
	a, b := twoProcesses(t)
	ann := newWindow(t).signedIn(a, "ann", "apple")
	ann.visit(a + "/account")
	mallory := newWindow(t)
	mallory.visit(a)
	c := ann.cookies()[0]
	yes := true
	_, err := chromedp.Call(mallory.ctx, network.SetCookie, network.SetCookieParams{
		Name: c.Name, Value: c.Value, URL: "https://localhost/", Path: "/", Secure: &yes, HTTPOnly: &yes, SameSite: network.CookieSameSiteLax,
	})
	require.NoError(t, err)
	require.Contains(t, mallory.visit(a+"/account"), "Your orders")
	for _, w := range []tab{ann, mallory} {
		w.listen()
	}

	confirming := ann.another()
	confirming.visit(b + "/confirm?next=/devices")
	confirming.fill("password", "apple")
	began := time.Now()
	require.Contains(t, confirming.press("main button.large"), "this one")
	events, socket := mallory.heard(began)
	t.Logf("after the click: EventSource %v, WebSocket %v", events, socket)
	ann.heard(began) // the same cookie, then another

	mallory.becomes(`events.readyState === 2 && !document.querySelector("#ended").hidden`)
	require.Contains(t, mallory.visit(b+"/account"), "Keep me signed in")
	ann.becomes(`events.readyState === 1 && !document.querySelector("#ask").hidden`)
	require.True(t, eval[bool](ann, `document.querySelector("#ended").hidden`))
	require.Contains(t, ann.visit(a+"/account"), "Your orders")
}

// The program says what is wrong with its flags, and no password.
func TestStart(t *testing.T) {
	t.Parallel()
	for where, want := range map[string]string{
		"":                                    "log:shop.db",
		"memory":                              "redis://user:password@localhost",
		"log:":                                "log:shop.db",
		"redis://ann:s3cret@127.0.0.1:1/0":    "see that the server runs at 127.0.0.1:1",
		"redis://ann:1/s3cret@127.0.0.1:1/0":  "this is no URL of a Redis server",
		"redis://ann:s3cret@127.0.0.1:1/deux": "this is no URL of a Redis server",
	} {
		err := run(t.Context(), config{addr: "localhost:0", store: where}, testAccounts())
		require.ErrorContains(t, err, want, where)
		require.NotContains(t, err.Error(), "s3cret")
	}
	require.ErrorContains(t, run(t.Context(), config{addr: "localhost:http3", store: "memory:"}, testAccounts()), "choose another address with -addr")
	require.Error(t, run(t.Context(), config{addr: "localhost:0", store: "memory:", issuer: "http://127.0.0.1:1"}, testAccounts()))
	s, err := open(t.Context(), "log:"+t.TempDir()+"/shop.db")
	require.NoError(t, err)
	require.NoError(t, s.(io.Closer).Close())
}
