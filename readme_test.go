package sesame_test

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Every Go block of the README and of docs is compiled and run:
//
//   - A block that is a whole program has to be the counter: it is started, on
//     a free port instead of 9090, and asked twice.
//   - Any other block takes the place of the line "// The block." in
//     testdata/readme/name_test.go, which is then run as a test. The name is in
//     a comment above the block, <!-- test: name -->; without one it is that of
//     the file and the block's number, such as stores1.
func TestDocumentedCode(t *testing.T) {
	dir := t.TempDir()
	sum, err := os.ReadFile("go.sum")
	require.NoError(t, err)
	root, err := filepath.Abs(".")
	require.NoError(t, err)
	write(t, dir, "go.sum", sum)
	write(t, dir, "go.mod", fmt.Appendf(nil, `module documented
go 1.26
require github.com/sesame-go/sesame v0.0.0
replace github.com/sesame-go/sesame => %q
`, root))

	for _, b := range goBlocks(t) {
		switch {
		case strings.HasPrefix(b.code, "package main\n"):
			port := freePort(t)
			require.Equal(t, 1, strings.Count(b.code, "localhost:9090"), "%s: the counter listens on localhost:9090", b.at)
			write(t, dir, b.name+"/main.go", []byte(strings.Replace(b.code, "localhost:9090", port, 1)))
			runGo(t, dir, "build", "-o", b.name+"/program", "./"+b.name)
			checkCounter(t, filepath.Join(dir, b.name, "program"), "http://"+port)
		default:
			frame, err := os.ReadFile("testdata/readme/" + b.test + "_test.go")
			require.NoError(t, err, b.at)
			whole := bytes.Replace(frame, []byte("// The block.\n"), []byte(b.code), 1)
			require.NotEqual(t, frame, whole, "%s: no place for the block in its test", b.at)
			write(t, dir, b.name+"/block_test.go", whole)
		}
	}
	runGo(t, dir, "test", "./...")
}

// The README's command for the tests is what is run before a merge.
func TestDocumentedCommand(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	ci, err := os.ReadFile(".ci/run")
	require.NoError(t, err)
	for _, command := range []string{"\ngo run ./examples/counter\n", "\n./scripts/test\n"} {
		require.Contains(t, string(readme), command)
	}
	require.Contains(t, string(ci), "\n./scripts/test\n")
}

type goBlock struct {
	at   string // file and number of the block
	name string // a directory's
	test string // the name of its test
	code string
}

func goBlocks(t *testing.T) (blocks []goBlock) {
	files, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	pattern := regexp.MustCompile("(?m)(?:^<!-- test: (\\w+) -->\n+)?^```go\n((?s).*?)^```$")
	for _, file := range append([]string{"README.md"}, files...) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		found := pattern.FindAllStringSubmatch(string(text), -1)
		require.Len(t, found, strings.Count(string(text), "```go\n"), "%s: an indented or unclosed block", file)
		for i, m := range found {
			at := fmt.Sprintf("%s, block %d", file, i+1)
			name := fmt.Sprintf("%s%d", strings.ToLower(strings.TrimSuffix(filepath.Base(file), ".md")), i+1)
			blocks = append(blocks, goBlock{at, name, cmp.Or(m[1], name), m[2]})
		}
	}
	return blocks
}

func write(t *testing.T, dir, name string, data []byte) {
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
	require.NoError(t, os.WriteFile(path, data, 0o666))
}

// runGo runs the go command on the module in dir, which has the same
// dependencies as this one, so that nothing is downloaded.
func runGo(t *testing.T, dir string, args ...string) {
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "go %s:\n%s", strings.Join(args, " "), out)
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func checkCounter(t *testing.T, program, url string) {
	cmd := exec.CommandContext(t.Context(), program)
	require.NoError(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}()

	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	visit := func() (*http.Response, error) { return http.DefaultClient.Do(r) }
	resp, err := visit()
	for range 100 { // it has to start first
		if err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
		resp, err = visit()
	}
	for i := 1; i <= 2; i++ {
		require.NoError(t, err)
		body, readErr := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.NoError(t, readErr)
		require.Equal(t, fmt.Sprintf("%d times!\n", i), string(body))
		for _, c := range resp.Cookies() {
			r.AddCookie(c)
		}
		if i < 2 {
			resp, err = visit()
		}
	}
}
