package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
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

// A counter is one in a process of its own.
type counter struct {
	cmd    *exec.Cmd
	stderr io.Reader
	url    string
}

// startCounters starts so many counters at once, on one store, and waits until
// they listen.
func startCounters(t *testing.T, where string, n int) []*counter {
	t.Helper()
	counters := make([]*counter, n)
	for i := range counters {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "COUNTER_STORE="+where)
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		counters[i] = &counter{cmd: cmd, stderr: stderr}
	}
	for _, c := range counters {
		c.ready(t)
	}
	return counters
}

func (c *counter) ready(t *testing.T) {
	t.Helper()
	said := new(strings.Builder)
	lines := bufio.NewScanner(io.TeeReader(c.stderr, said))
	for c.url == "" && lines.Scan() {
		c.url = regexp.MustCompile(`counting on (http://\S+)`).FindString(lines.Text())
	}
	if c.url == "" {
		t.Fatalf("the counter did not start: %s", said)
	}
	c.url = strings.TrimPrefix(c.url, "counting on ")
	go io.Copy(io.Discard, c.stderr)
}

// end ends the process by a signal.
func (c *counter) end(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Wait(); err != nil && sig != os.Kill {
		t.Fatalf("the counter ended with %v", err)
	}
}

// visit sends the cookie, if there is one, and returns the page and the cookie
// to send next.
func visit(t *testing.T, url string, cookie *http.Cookie) (string, *http.Cookie) {
	t.Helper()
	page, set, err := click(url, cookie)
	if err != nil {
		t.Fatal(err)
	}
	if set != nil {
		cookie = set
	}
	return page, cookie
}

// click is visit for any goroutine. It returns the cookie only if it was set.
func click(url string, cookie *http.Cookie) (page string, set *http.Cookie, err error) {
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return "", nil, err
	}
	if cookie != nil {
		req.AddCookie(cookie)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	for _, set = range res.Cookies() {
	}
	return string(body), set, err
}
