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
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Every Go block of the READMEs and of docs is compiled, and nearly all are run:
//
//   - A block that is a whole program has to be the counter: it is started, on
//     a free port instead of 9090, and asked twice.
//   - Any other block takes the place of the line "// The block." in
//     testdata/readme/name_test.go, which is then run as a test. The name is in
//     a comment above the block, <!-- test: name -->; without one it is that of
//     the file and the block's number, such as stores1.
//   - A block that needs a server, a driver or another module cannot be run
//     here. It quotes a file that its module's tests compile, which a comment
//     above it names, <!-- see: path/to/example_test.go -->. A line of the
//     block that is … alone stands for any number of lines.
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
		case b.see != "":
			file, err := os.ReadFile(b.see)
			require.NoError(t, err, b.at)
			require.NoError(t, quoted(b.code, string(file)), "%s: not in %s", b.at, b.see)
		case strings.HasPrefix(b.code, "package main\n"):
			const addr = `"localhost:9090"`
			require.Equal(t, 1, strings.Count(b.code, addr), "%s: the counter listens on localhost:9090", b.at)
			write(t, dir, b.name+"/main.go", []byte(strings.Replace(b.code, addr, "addr", 1)))
			write(t, dir, b.name+"/addr.go", []byte("package main\n\nimport \"os\"\n\nvar addr = os.Args[1]\n"))
			runGo(t, dir, "build", "-o", b.name+"/program", "./"+b.name)
			checkCounter(t, filepath.Join(dir, b.name, "program"))
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
	see  string // or the file that it quotes
	code string
}

func goBlocks(t *testing.T) (blocks []goBlock) {
	files, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	pattern := regexp.MustCompile("(?m)(?:^<!-- (?:test: (\\w+)|see: (\\S+)) -->\n+)?^```go\n((?s).*?)^```$")
	adapters, err := filepath.Glob("adapters/*/README.md")
	require.NoError(t, err)
	for _, file := range slices.Concat([]string{"README.md"}, files, adapters) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		found := pattern.FindAllStringSubmatch(string(text), -1)
		require.Len(t, found, strings.Count(string(text), "```go\n"), "%s: an indented or unclosed block", file)
		for i, m := range found {
			at := fmt.Sprintf("%s, block %d", file, i+1)
			name := fmt.Sprintf("%s%d", strings.ToLower(strings.TrimSuffix(filepath.Base(file), ".md")), i+1)
			blocks = append(blocks, goBlock{at, name, cmp.Or(m[1], name), m[2], m[3]})
		}
	}
	return blocks
}

// quoted returns an error if the lines of block are not those of file. How far
// they are indented does not matter, and … stands for what is left out.
func quoted(block, file string) error {
	lines := trimmedLines(file)
	var passage []string
	for _, line := range append(trimmedLines(block), "…") {
		if line != "…" {
			passage = append(passage, line)
			continue
		}
		at := 0
		for ; at+len(passage) <= len(lines); at++ {
			if slices.Equal(lines[at:at+len(passage)], passage) {
				break
			}
		}
		if at+len(passage) > len(lines) {
			return fmt.Errorf("after what is found of the block: %q", passage)
		}
		lines, passage = lines[at+len(passage):], nil
	}
	return nil
}

func trimmedLines(text string) []string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return lines
}

func TestQuoted(t *testing.T) {
	const file = "package p\n\nfunc f() {\n\ta()\n\tb() // why\n\tc()\n\td()\n}\n"
	for _, block := range []string{
		"a()\nb() // why\n", "\ta()\n\tb() // why\n", "a()\n…\nc()\n", "…\nd()\n…\n", "b() // why\n…\nc()\n",
	} {
		require.NoError(t, quoted(block, file), block)
	}
	for _, block := range []string{
		"a()\nc()\n", "b()\n", "c()\n…\na()\n", "a()\n…\nb() // why\nd()\n", "e()\n", "…\ne()\n", "a()\n…\na()\n",
	} {
		require.Error(t, quoted(block, file), block)
	}
}

// Every link from one document to a file, or to a section of a document, leads
// somewhere.
func TestDocumentedLinks(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		files = append(files, found...)
	}
	links := regexp.MustCompile(`\]\(([^)\s]+)\)|\b(?:src|srcset)="([^"]+)"`)
	n := 0
	for _, file := range files {
		for _, m := range links.FindAllStringSubmatch(prose(t, file), -1) {
			link := m[1] + m[2]
			if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
				continue
			}
			n++
			path, section, _ := strings.Cut(link, "#")
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %s: %v", file, link, err)
				continue
			}
			if section != "" && !slices.Contains(anchors(prose(t, target)), section) {
				t.Errorf("%s: %s: there is no such section", file, link)
			}
		}
	}
	require.Greater(t, n, 50, "the links are not found any more")
}

// prose returns what a document says outside of blocks and spans of code.
func prose(t *testing.T, file string) string {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	outside := regexp.MustCompile("(?ms)^ *```.*?^ *```$").ReplaceAllString(string(text), "")
	return regexp.MustCompile("`[^`\n]*\\]\\([^`\n]*`").ReplaceAllString(outside, "")
}

// anchors returns what GitHub calls the sections of a document.
func anchors(text string) (all []string) {
	seen := make(map[string]int)
	unwanted := regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	for _, m := range regexp.MustCompile(`(?m)^#+ +(.+?) *$`).FindAllStringSubmatch(text, -1) {
		name := strings.ReplaceAll(unwanted.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")
		if n := seen[name]; n > 0 {
			all = append(all, fmt.Sprintf("%s-%d", name, n))
		} else {
			all = append(all, name)
		}
		seen[name]++
	}
	return all
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

func checkCounter(t *testing.T, program string) {
	addr := freePort(t)
	cmd := exec.CommandContext(t.Context(), program, addr)
	require.NoError(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}()

	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr, nil)
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
