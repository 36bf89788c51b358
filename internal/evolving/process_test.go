package evolving_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/evolving/program"
)

var programs string // the directory of the programs, see build

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "evolving")
	if err != nil {
		panic(err)
	}
	programs = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// build builds all programs.
var build = sync.OnceValues(func() (string, error) {
	args := slices.Concat([]string{"build", "-ldflags=-s"}, buildFlags, []string{"-o", programs + "/", "./builds/..."})
	out, err := exec.Command("go", args...).CombinedOutput()
	return string(out), err
})

// A site is a store and the programs that share it.
type site struct {
	t       *testing.T
	place   string            // the store, as the programs' flag names it
	running map[string]string // addresses of the programs that run
}

// address returns the address of a program, and starts the program if it is not
// running.
func (s *site) address(name string) string {
	if s.running[name] == "" {
		s.running[name] = s.start(name)
	}
	return s.running[name]
}

func (s *site) start(name string) string {
	t := s.t
	out, err := build()
	require.NoError(t, err, out)
	cmd := exec.Command(filepath.Join(programs, name), "-store", s.place)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0") // otherwise each process waits for a second
	cmd.Stderr = t.Output()
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, stdin.Close())
		require.NoError(t, cmd.Wait(), "%s found a race, or does not end", name)
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err, "%s does not start", name)
	return strings.TrimSpace(line)
}

// events returns the kinds of a program's events since the last call, without the
// routine ones, and their errors.
func (s *site) events(name string) (kinds []string, errs string) {
	resp, err := http.Get("http://" + s.address(name) + "/events")
	require.NoError(s.t, err)
	defer resp.Body.Close()
	var events []program.Event
	require.NoError(s.t, json.NewDecoder(resp.Body).Decode(&events))
	for _, e := range events {
		switch e.Kind {
		case "created", "loaded", "saved", "touched", "renewed", "destroyed":
		default:
			kinds = append(kinds, e.Kind)
			errs += e.Err + "\n"
		}
	}
	return kinds, errs
}

// A browser has one session with all programs of a site, whose addresses differ only
// in the port.
type browser struct {
	*site
	client *http.Client
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	return &browser{s, &http.Client{Jar: jar, Timeout: time.Minute}}
}

// page is a program's answer about the browser's session.
type page struct {
	New     bool
	Session map[string]any
}

// field returns a field by its path, such as Place.City, as text.
func (p page) field(path string) string {
	var value any = p.Session
	for name := range strings.SplitSeq(path, ".") {
		members, _ := value.(map[string]any)
		value = members[name]
	}
	switch value := value.(type) {
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(value)
	}
	text, _ := value.(string)
	return text
}

func (p page) visits(t *testing.T) int {
	n, err := strconv.Atoi(p.field("Visits"))
	require.NoError(t, err)
	return n
}

// get requests the session from a program.
func (b *browser) get(name string) page {
	status, p := b.do(http.MethodGet, name, "/")
	require.Equal(b.t, http.StatusOK, status)
	return p
}

// post lets a program make a change.
func (b *browser) post(name, change, value string) page {
	status, p := b.do(http.MethodPost, name, "/"+change+"?value="+url.QueryEscape(value))
	require.Equal(b.t, http.StatusOK, status, change)
	return p
}

func (b *browser) do(method, name, path string) (status int, p page) {
	r, err := http.NewRequest(method, "http://"+b.address(name)+path, nil)
	require.NoError(b.t, err)
	resp, err := b.client.Do(r)
	require.NoError(b.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(b.t, err)
	if resp.StatusCode == http.StatusOK {
		require.NoError(b.t, json.Unmarshal(body, &p), "%s", body)
	}
	return resp.StatusCode, p
}

func (b *browser) cookie() string {
	var all []string
	for _, c := range b.client.Jar.Cookies(&url.URL{Scheme: "http", Host: "127.0.0.1", Path: "/"}) {
		all = append(all, c.String())
	}
	return strings.Join(all, "; ")
}
