package countertest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Main is for TestMain: the test binary is the counter, too, when a test starts
// it as one.
func Main(m *testing.M, run func(addr, where string) error) {
	where, ok := os.LookupEnv("COUNTER_STORE")
	if !ok {
		os.Exit(m.Run())
	}
	if err := run("localhost:0", where); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A server is a counter in a process of its own.
type server struct {
	cmd    *exec.Cmd
	stderr io.Reader
	url    string
}

// start starts n counters at once, on one store, and waits until they listen.
func start(t *testing.T, where string, n int) []*server {
	t.Helper()
	servers := make([]*server, n)
	for i := range servers {
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
		servers[i] = &server{cmd: cmd, stderr: stderr}
	}
	for _, s := range servers {
		s.ready(t)
	}
	return servers
}

func (s *server) ready(t *testing.T) {
	t.Helper()
	said := new(strings.Builder)
	lines := bufio.NewScanner(io.TeeReader(s.stderr, said))
	for s.url == "" && lines.Scan() {
		s.url = regexp.MustCompile(`http://localhost:\d+/`).FindString(lines.Text())
	}
	if s.url == "" {
		t.Fatalf("the counter did not start: %s", said)
	}
	go func() { _, _ = io.Copy(io.Discard, s.stderr) }()
}

// end ends the process by a signal.
func (s *server) end(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil && sig != os.Kill {
		t.Fatalf("the counter ended with %v", err)
	}
}

// A browser has one cookie at most. Go's cookie jar would send no Secure cookie
// to http://localhost, which browsers do.
type browser struct{ cookie *http.Cookie }

// visit returns how many times the page says the browser has been there. The
// browser keeps the cookie that it was sent first.
func (b *browser) visit(url string) (times int, err error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	if b.cookie != nil {
		req.AddCookie(b.cookie)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`(\d+) times!`).FindSubmatch(page)
	if res.StatusCode != http.StatusOK || found == nil {
		return 0, fmt.Errorf("%s: %s", res.Status, page)
	}
	if cookies := res.Cookies(); len(cookies) > 0 && b.cookie == nil {
		b.cookie = cookies[0]
	}
	return strconv.Atoi(string(found[1]))
}

// sees fails the test if the next visit is not the one that is wanted.
func (b *browser) sees(t *testing.T, url string, want int) {
	t.Helper()
	times, err := b.visit(url)
	if err != nil {
		t.Fatal(err)
	}
	if times != want {
		t.Fatalf("the page says %d times, want %d", times, want)
	}
}
