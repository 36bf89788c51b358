package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"

	"github.com/sesame-go/sesame"
)

func TestCounter(t *testing.T) {
	// Over TLS: Go's cookie jar, unlike browsers, sends no Secure cookies to
	// http://localhost.
	server := httptest.NewTLSServer(handler(sesame.New[Session]()))
	defer server.Close()

	ann, bob := browser(t, server), browser(t, server)
	for _, visit := range []struct {
		browser *http.Client
		want    string
	}{
		{ann, "1 times!\n"},
		{ann, "2 times!\n"},
		{bob, "1 times!\n"},
		{ann, "3 times!\n"},
	} {
		if got := get(t, visit.browser, server.URL); got != visit.want {
			t.Errorf("got %q, want %q", got, visit.want)
		}
	}

	get(t, ann, server.URL+"/favicon.ico")
	if got, want := get(t, ann, server.URL), "4 times!\n"; got != want {
		t.Errorf("after a request for the icon: got %q, want %q", got, want)
	}
}

func browser(t *testing.T, server *httptest.Server) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: server.Client().Transport, Jar: jar}
}

func get(t *testing.T, browser *http.Client, url string) string {
	t.Helper()
	resp, err := browser.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
