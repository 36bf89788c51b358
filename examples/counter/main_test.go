package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sesame-go/sesame/examples/internal/countertest"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store/memstore"
)

func TestMain(m *testing.M) { countertest.Main(m, run) }

func TestMemory(t *testing.T) { countertest.Forgets(t, "memory:") }

func TestLog(t *testing.T) {
	countertest.Persists(t, "log:"+filepath.Join(t.TempDir(), "counter.db"), os.Kill, syscall.SIGTERM)
}

func TestDirectory(t *testing.T) {
	countertest.Persists(t, "dir:"+filepath.Join(t.TempDir(), "sessions"), os.Kill, syscall.SIGTERM)
}

func TestTwoProcesses(t *testing.T) {
	countertest.Shares(t, "dir:"+filepath.Join(t.TempDir(), "sessions"))
}

// The page shows the count, the session's name from the first visit on, and
// where it is kept. Each browser has a session of its own.
func TestPage(t *testing.T) {
	s := memstore.New()
	ann := sesametest.NewClient(t, handler(place{store: s, Kept: "a <box>"}))
	bob := ann.Another()
	for _, visit := range []struct {
		browser *sesametest.Client
		want    string
	}{
		{ann, "1 times!"}, {ann, "2 times!"}, {bob, "1 times!"}, {ann, "3 times!"},
	} {
		res, page := visit.browser.Get("/")
		if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			t.Errorf("got %s, %s", res.Status, res.Header.Get("Content-Type"))
		}
		name, _, _ := strings.Cut(visit.browser.Cookies("/")[0].Value, ".")
		for _, want := range []string{"<h1>" + visit.want + "</h1>", "<code>" + name + "</code>", "kept in a &lt;box&gt;"} {
			if !strings.Contains(page, want) {
				t.Errorf("no %q in the page:\n%s", want, page)
			}
		}
		if secret := visit.browser.Cookies("/")[0].Value; strings.Contains(page, secret) {
			t.Error("the token is in the page")
		}
	}

	if res, _ := ann.Get("/favicon.ico"); res.StatusCode != http.StatusNotFound {
		t.Errorf("the icon: %s", res.Status)
	}
	if _, page := ann.Get("/"); !strings.Contains(page, "4 times!") {
		t.Errorf("a request for the icon was counted:\n%s", page)
	}
}

// The operator's page asks for the password, and shows the session.
func TestOperatorsPage(t *testing.T) {
	ann := sesametest.NewClient(t, handler(place{store: memstore.New()}))
	ann.Get("/")
	id, _, _ := strings.Cut(ann.Cookies("/")[0].Value, ".")
	for given, want := range map[string]int{"": http.StatusUnauthorized, "guess": http.StatusUnauthorized, password: http.StatusOK} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/inspect/session/"+id, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("anyone", given)
		res, page := ann.Do(r)
		if res.StatusCode != want || strings.Contains(page, "Times") != (want == http.StatusOK) {
			t.Errorf("with the password %q: %s", given, res.Status)
		}
	}
}

// What the page says to try next depends on the store.
func TestTryNext(t *testing.T) {
	for where, want := range map[string]string{
		"memory:": "Start it with <code>-store log:counter.db</code>",
		"log:" + filepath.Join(t.TempDir(), "counter.db"): "the session is on the disk",
		"dir:" + filepath.Join(t.TempDir(), "sessions"):   "Start a second server on the same directory",
	} {
		p, err := open(where)
		if err != nil {
			t.Fatal(err)
		}
		_, page := sesametest.NewClient(t, handler(p)).Get("/")
		_, path, _ := strings.Cut(where, ":")
		if !strings.Contains(page, want) || !strings.Contains(page, path) {
			t.Errorf("-store %s: no %q, or not where it is kept, in:\n%s", where, want, page)
		}
		if err := p.close(); err != nil {
			t.Error(err)
		}
	}
}

func TestStoreErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("shopping list"), 0o600); err != nil {
		t.Fatal(err)
	}
	for where, want := range map[string]string{
		"": "log:counter.db", "memory": "log:counter.db", "memory:x": "log:counter.db", "log:": "log:counter.db",
		"redis://ann:s3cret@localhost": "see ./examples/engines",
		"log:" + dir:                   dir + " is a directory; name a file",
		"log:" + dir + "/no/a.db":      dir + "/no/a.db: the directory " + dir + "/no does not exist; make it",
		"log:" + file + "/a.db":        "must be allowed to read and write the file and the directory " + file,
		"log:" + file:                  file + ": it is not a session log",
		"dir:" + file:                  file + " is a file; give the sessions a directory",
		"dir:" + file + "/in":          file,
	} {
		_, err := open(where)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("-store %s: got %v, want an error with %q", where, err, want)
		}
	}
}

func TestAddressInUse(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	addr := listener.Addr().String()
	if err := run(addr, "memory:"); err == nil || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), "-addr") {
		t.Errorf("got %v, want the address and the flag", err)
	}
}

// With -bind a page offers to bind the session, and says what has become of it.
func TestBind(t *testing.T) {
	ann := sesametest.NewClient(t, handler(place{store: memstore.New(), Kept: "a box", Bind: true}))
	for range 2 {
		res, page := ann.Get("/")
		if !strings.Contains(page, "Device binding: <code>offered</code>") {
			t.Errorf("it does not say so:\n%s", page)
		}
		if res.Header.Get("Secure-Session-Registration") == "" {
			t.Error("the session is not offered to the device")
		}
	}
	c, pin, err := certificate()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	if got := command(pin, "https://localhost:1/"); !strings.Contains(got, "="+base64.StdEncoding.EncodeToString(sum[:])+" https://localhost:1/") {
		t.Errorf("another pin: %s", got)
	}
	if err := leaf.VerifyHostname("localhost"); err != nil {
		t.Error(err)
	}
}
