package browser_test

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/internal/dbsc"
	"github.com/sesame-go/sesame/store/dirstore"
)

// program is the main function of a process that the tests start. It serves the
// pages of members until its input ends.
func program(dir string) {
	ahead, err := time.ParseDuration(cmp.Or(os.Getenv("BROWSER_TEST_AHEAD"), "0s"))
	if err != nil {
		log.Fatal(err)
	}
	dbsc.Ahead.Store(int64(ahead))
	lifetime, err := time.ParseDuration(os.Getenv("BROWSER_TEST_LIFETIME"))
	if err != nil {
		log.Fatal(err)
	}
	s, err := dirstore.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(l.Addr())
	sessions := sesame.New[member](sesame.WithStore(s), sesame.WithDeviceBinding(sesame.WithProofLifetime(lifetime)))
	go func() { log.Fatal(http.Serve(l, members(sessions))) }()
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := s.Close(); err != nil {
		log.Fatal(err)
	}
}

// A process is one that runs program.
type process struct {
	*exec.Cmd
	at    *url.URL
	input io.Closer
}

func start(t *testing.T, dir string, lifetime, ahead time.Duration) *process {
	p := &process{Cmd: exec.Command(os.Args[0])}
	p.Env = append(os.Environ(), "BROWSER_TEST_SESSIONS="+dir, "BROWSER_TEST_LIFETIME="+lifetime.String(),
		"BROWSER_TEST_AHEAD="+ahead.String(), "GORACE=atexit_sleep_ms=0")
	p.Stderr = t.Output()
	input, err := p.StdinPipe()
	require.NoError(t, err)
	p.input = input
	output, err := p.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, p.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err, "the process does not start")
	p.at = &url.URL{Scheme: "http", Host: strings.TrimSpace(line)}
	return p
}

// forward makes a proxy send a request to the process.
func (p *process) forward(r *httputil.ProxyRequest) {
	r.SetURL(p.at)
	r.Out.Host = r.In.Host
	r.Out.Header.Set("X-Forwarded-Proto", "https")
}

func (p *process) end(t *testing.T) {
	require.NoError(t, p.input.Close())
	require.NoError(t, p.Wait(), "a race, or a store that does not close")
}

// Two processes behind one address, whose clocks are 2 s apart, share a
// directory. What the one has made, the other takes.
func TestTwoProcessesAndADevice(t *testing.T) {
	const lifetime = 9 * time.Second
	for name, test := range map[string]struct {
		ahead time.Duration // is the clock of the second process
		first func(path string, signed bool) bool
	}{
		"challenge, answer": {2 * time.Second, func(path string, signed bool) bool {
			return path == "/login" || strings.HasSuffix(path, "/refresh") && !signed
		}},
		"answer, challenge": {-2 * time.Second, func(path string, signed bool) bool {
			return path == "/login" || strings.HasSuffix(path, "/refresh") && !signed
		}},
		"refresh, page": {2 * time.Second, func(path string, _ bool) bool { return strings.HasPrefix(path, "/session-device/") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			first, second := start(t, dir, lifetime, 0), start(t, dir, lifetime, test.ahead)
			s := serve(t, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
				if test.first(r.In.URL.Path, r.In.Header[dbsc.HeaderResponse] != nil) {
					first.forward(r)
				} else {
					second.forward(r)
				}
			}})
			b := s.window()
			require.Equal(t, "ann 1", b.fetch("/count", ""), "the proof is refreshed at once")
			s.await(refresh + " 200")

			// The proof is good as long as the browser has it.
			b.await(func() bool { return time.Until(time.Unix(int64(b.cookie(proofCookie).Expires), 0)) < time.Second })
			require.Equal(t, "ann 2", b.fetch("/count", ""))

			// Then it gets another one.
			b.expire(s.url)
			time.Sleep(lifetime / 2) // in which a session that was just bound needs no proof
			require.Equal(t, "ann 3", b.fetch("/count", ""))
			first.end(t)
			second.end(t)
		})
	}
}

// The server is killed between the challenge and the answer. The next one takes
// the answer.
func TestKillBetweenChallengeAndAnswer(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, 10*time.Minute, 0)
	var armed atomic.Bool
	s := serve(t, &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { p.forward(r) },
		ModifyResponse: func(res *http.Response) error {
			if res.StatusCode != http.StatusForbidden || !armed.CompareAndSwap(true, false) {
				return nil
			}
			body, err := io.ReadAll(res.Body)
			if err != nil {
				return err
			}
			res.Body = io.NopCloser(strings.NewReader(string(body)))
			if err := p.Process.Kill(); err != nil {
				return err
			}
			_ = p.Wait()
			p = start(t, dir, 10*time.Minute, 0)
			return nil
		},
	})
	b := s.window()
	b.expire(s.url)
	killed := p
	armed.Store(true)
	s.forget()
	require.Equal(t, "ann bound", b.visit(s.url))
	require.NotSame(t, killed, p)
	require.Equal(t, []string{refresh + " 403", refresh + " 200", "GET / 200"}, s.asked())
	p.end(t)
}
