package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
)

// The test binary is the counter, too, when it is told to.
func TestMain(m *testing.M) {
	if where, ok := os.LookupEnv("COUNTER_STORE"); ok {
		if err := run("127.0.0.1:0", where); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestPersistence counts, ends the process, starts another on the same store,
// and counts on, with real processes: one that is told to end, one that is
// killed.
func TestPersistence(t *testing.T) {
	for name, test := range map[string]struct {
		store    string
		survives bool
	}{
		"memory": {"memory:", false},
		"log":    {"log:" + filepath.Join(t.TempDir(), "counter.db"), true},
		"dir":    {"dir:" + filepath.Join(t.TempDir(), "sessions"), true},
		"sqlite": {"sqlite:" + filepath.Join(t.TempDir(), "counter.sqlite"), true},
	} {
		t.Run(name, func(t *testing.T) {
			var cookie *http.Cookie
			want := 0
			for _, end := range []os.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGTERM} {
				if !test.survives {
					want = 0
				}
				c := startCounter(t, test.store)
				for range 3 {
					want++
					var page string
					page, cookie = c.visit(t, cookie)
					if page != fmt.Sprintf("%d times!\n", want) {
						t.Fatalf("got %q, want %d times", page, want)
					}
				}
				c.end(t, end)
			}
		})
	}
}

type counter struct {
	cmd *exec.Cmd
	url string
}

func startCounter(t *testing.T, where string) *counter {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "COUNTER_STORE="+where)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(stderr).ReadString('\n')
	url := regexp.MustCompile(`http://\S+`).FindString(line)
	if url == "" {
		t.Fatalf("the counter did not start: %q, %v", line, err)
	}
	go io.Copy(io.Discard, stderr)
	return &counter{cmd, url}
}

func (c *counter) end(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Wait(); err != nil && sig != os.Kill && sig != syscall.SIGKILL {
		t.Fatalf("the counter ended with %v", err)
	}
}

// visit sends the cookie, if there is one, and returns the page and the cookie
// to send next.
func (c *counter) visit(t *testing.T, cookie *http.Cookie) (string, *http.Cookie) {
	t.Helper()
	req, err := http.NewRequest("GET", c.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if cookie != nil {
		req.AddCookie(cookie)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range res.Cookies() {
		cookie = set
	}
	return string(page), cookie
}

func TestStoreFlag(t *testing.T) {
	for _, bad := range []string{"", "memory", "memory:x", "log:", "redis", "floppy:a"} {
		if _, _, err := open(bad); err == nil {
			t.Errorf("-store %q was accepted", bad)
		}
	}
}
