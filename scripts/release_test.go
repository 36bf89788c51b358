package scripts

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const entry = "- A store for tea.\n"

func TestRelease(t *testing.T) {
	r := newRepository(t, entry)
	r.release("v0.7.3")

	require.Equal(t, "release: v0.7.3", r.git("log", "-1", "--format=%s"))
	require.Empty(t, r.git("status", "--porcelain"))
	for dir, required := range requirements(t, r.dir) {
		for module, version := range required {
			require.Equal(t, "v0.7.3", version, "%s in %s/go.mod", module, dir)
		}
	}
	released := strings.Fields(r.release("-l"))
	require.Contains(t, released, ".")
	require.Contains(t, released, "store/redisstore/goredis")
	require.NotContains(t, released, "store/redisstore/redistest")
	require.Contains(t, released, "cmd/sesame")
	require.NotContains(t, released, "bench")
	require.Len(t, strings.Fields(r.git("tag")), len(released))
	for _, dir := range released {
		tag := strings.TrimPrefix(dir+"/v0.7.3", "./")
		if strings.HasPrefix(dir, "cmd/") { // go install refuses replace lines
			require.Equal(t, r.git("rev-parse", "HEAD"), r.git("rev-parse", tag+"^"), tag)
			require.Equal(t, dir+"/go.mod", r.git("diff", "--name-only", "HEAD", tag))
			mod := r.git("show", tag+":"+dir+"/go.mod")
			require.NotContains(t, mod, "replace")
			require.Contains(t, mod, core+" v0.7.3")
			require.Contains(t, r.git("show", "HEAD:"+dir+"/go.mod"), "replace")
			continue
		}
		require.Equal(t, r.git("rev-parse", "HEAD"), r.git("rev-parse", tag+"^{commit}"), tag)
	}
	changelog, err := os.ReadFile(filepath.Join(r.dir, "CHANGELOG.md"))
	require.NoError(t, err)
	today := time.Now().Format(time.DateOnly)
	require.Contains(t, string(changelog), "## [Unreleased]\n\n## [0.7.3] - "+today+"\n\n"+entry)
	require.Contains(t, string(changelog), "\n[Unreleased]: https://github.com/sesame-go/sesame/compare/v0.7.3...HEAD\n"+
		"[0.7.3]: https://github.com/sesame-go/sesame/releases/tag/v0.7.3\n")

	r.refuses("CHANGELOG.md has nothing", "v0.8.0")
	r.change(strings.Replace(string(changelog), "## [Unreleased]\n", "## [Unreleased]\n\n"+entry, 1))
	r.refuses("exists", "v0.7.3")
	r.refuses("older than v0.7.3", "v0.7.2")
	r.release("v0.10.0")
	require.Equal(t, "release: v0.10.0", r.git("log", "-1", "--format=%s"))
}

func TestReleaseRefuses(t *testing.T) {
	r := newRepository(t, entry)
	for _, args := range [][]string{{}, {"-n"}, {"0.1.0"}, {"v0.1"}, {"v0.01.0"}, {"v0.1.0-rc.1"}, {"v2.0.0"}, {"v0.1.0", "v0.2.0"}} {
		r.refuses("say a version", args...)
	}
	// The tag of one module is enough.
	r.git("tag", "-m", "by hand", "store/natsstore/v0.1.0")
	r.refuses("store/natsstore/v0.1.0 exists", "v0.1.0")
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, "new"), nil, 0o600))
	r.refuses("the tree has changes", "v0.2.0")
	r.refuses("the tree has changes", "-n", "v0.2.0")

	newRepository(t, "").refuses("CHANGELOG.md has nothing", "v0.1.0")
}

func TestReleaseDryRun(t *testing.T) {
	r := newRepository(t, entry)
	before := r.git("rev-parse", "HEAD")
	out := r.release("-n", "v0.7.3")
	for _, want := range []string{
		"codec/cborcodec/go.mod\n", "bench/go.mod\n", "## [0.7.3] - ", " v0.7.3\n", " store/natsstore/v0.7.3\n",
	} {
		require.Contains(t, out, want)
	}
	require.Equal(t, before, r.git("rev-parse", "HEAD"))
	require.Empty(t, r.git("status", "--porcelain"))
	require.Empty(t, r.git("tag"))
}

// A repository has the files that a release reads and changes.
type repository struct {
	t   *testing.T
	dir string
}

// newRepository returns a repository with the go.mod files of this one, and a
// changelog with the given unreleased entries.
func newRepository(t *testing.T, unreleased string) *repository {
	t.Helper()
	r := &repository{t, t.TempDir()}
	r.git("init", "-q")
	for _, name := range append(modFiles(t, ".."), "scripts/release") {
		content, err := os.ReadFile(filepath.Join("..", name))
		require.NoError(t, err)
		to := filepath.Join(r.dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o700))
		require.NoError(t, os.WriteFile(to, content, 0o700))
	}
	r.change("# Changelog\n\n## [Unreleased]\n\n" + unreleased + "\n[Unreleased]: https://github.com/sesame-go/sesame/commits/main\n")
	return r
}

// change writes a changelog and commits all changes.
func (r *repository) change(changelog string) {
	r.t.Helper()
	require.NoError(r.t, os.WriteFile(filepath.Join(r.dir, "CHANGELOG.md"), []byte(changelog), 0o600))
	r.git("add", "-A")
	r.git("commit", "-q", "-m", "change")
}

var identity = []string{
	"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
	"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com",
	"GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com",
}

func (r *repository) git(args ...string) string {
	r.t.Helper()
	return strings.TrimSpace(run(r.t, r.dir, identity, "git", args...))
}

func (r *repository) release(args ...string) string {
	r.t.Helper()
	return run(r.t, r.dir, identity, "./scripts/release", args...)
}

// refuses checks that a release fails, says why, and changes nothing.
func (r *repository) refuses(why string, args ...string) {
	r.t.Helper()
	state := func() string { return r.git("rev-parse", "HEAD") + r.git("status", "--porcelain") + r.git("tag") }
	before := state()
	out, err := command(r.t, r.dir, identity, "./scripts/release", args...)
	require.Error(r.t, err, "scripts/release %s:\n%s", strings.Join(args, " "), out)
	require.Contains(r.t, out, why)
	require.Equal(r.t, before, state())
}
