package scripts

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const core = "github.com/sesame-go/sesame"

// Each released module can be installed as its users do: a command with go
// install, the others with go get in an empty module, from a proxy that serves all
// of them, without the workspace and the replace lines of this repository. A
// program of testdata/install is then built with it.
func TestInstall(t *testing.T) {
	version := requirements(t, "..")["codec/cborcodec"][core]
	dirs := strings.Fields(run(t, "..", nil, "./scripts/release", "-l"))
	proxy := t.TempDir()
	for _, dir := range dirs {
		serve(t, proxy, dir, version)
	}

	// Third-party modules come from the module cache, or else from GOPROXY.
	cache := strings.TrimSpace(run(t, ".", nil, "go", "env", "GOMODCACHE"))
	online := strings.TrimSpace(run(t, ".", nil, "go", "env", "GOPROXY"))
	env := []string{
		"GOPROXY=file://" + filepath.ToSlash(proxy) + ",file://" + filepath.ToSlash(cache) + "/cache/download," + online,
		"GOMODCACHE=" + t.TempDir(), // the real one must not learn of this version
		"GOFLAGS=-mod=mod -modcacherw -trimpath",
		"GOWORK=off", "GOSUMDB=off", "GOTOOLCHAIN=local",
	}
	for _, dir := range dirs {
		t.Run(dir, func(t *testing.T) {
			if name, ok := strings.CutPrefix(dir, "cmd/"); ok {
				bin := t.TempDir()
				run(t, bin, append(env, "GOBIN="+bin, "GOFLAGS=-modcacherw -trimpath"), "go", "install", path.Join(core, dir)+"@"+version)
				require.Contains(t, run(t, bin, nil, filepath.Join(bin, name), "-h"), name)
				return
			}
			program, err := os.ReadFile(filepath.Join("testdata", "install", dir, "main.go"))
			require.NoError(t, err, "a released module needs a program that uses it")
			empty := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(empty, "main.go"), program, 0o600))
			run(t, empty, env, "go", "mod", "init", "example.com/try")
			run(t, empty, env, "go", "get", path.Join(core, dir)+"@"+version)
			run(t, empty, env, "go", "build", "-o", os.DevNull, ".")
		})
	}
}

// Until a version is released, a workspace with a clone builds the same
// programs, as the README says.
func TestFromClone(t *testing.T) {
	clone, err := filepath.Abs("..")
	require.NoError(t, err)
	for dir := range strings.FieldsSeq(run(t, clone, nil, "./scripts/release", "-l")) {
		t.Run(dir, func(t *testing.T) {
			if name, ok := strings.CutPrefix(dir, "cmd/"); ok {
				bin := t.TempDir()
				run(t, clone, []string{"GOBIN=" + bin, "GOFLAGS=-trimpath"}, "go", "install", "./"+dir)
				require.FileExists(t, filepath.Join(bin, name))
				return
			}
			program, err := os.ReadFile(filepath.Join("testdata", "install", dir, "main.go"))
			require.NoError(t, err)
			empty := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(empty, "main.go"), program, 0o600))
			env := []string{"GOWORK=", "GOFLAGS=-trimpath"}
			run(t, empty, env, "go", "mod", "init", "example.com/try")
			run(t, empty, env, "go", "work", "init", ".", clone, filepath.Join(clone, dir))
			run(t, empty, env, "go", "build", "-o", os.DevNull, ".")
		})
	}
}

// All modules require the same version of each other, so that a release forgets
// none of them.
func TestVersions(t *testing.T) {
	versions := make(map[string][]string)
	for dir, required := range requirements(t, "..") {
		for module, version := range required {
			versions[version] = append(versions[version], dir+": "+module)
		}
	}
	require.Len(t, versions, 1, "scripts/release sets them all")
}

// requirements returns, for the directory of each module, the modules of this
// repository that it requires, and their versions.
func requirements(t *testing.T, root string) map[string]map[string]string {
	t.Helper()
	all := make(map[string]map[string]string)
	for _, file := range modFiles(t, root) {
		var mod struct {
			Require []struct{ Path, Version string }
		}
		out := run(t, root, nil, "go", "mod", "edit", "-json", file)
		require.NoError(t, json.Unmarshal([]byte(out), &mod))
		required := make(map[string]string)
		for _, r := range mod.Require {
			if r.Path == core || strings.HasPrefix(r.Path, core+"/") {
				required[r.Path] = r.Version
			}
		}
		all[path.Dir(file)] = required
	}
	require.Greater(t, len(all), 5, "too few modules were found")
	return all
}

// modFiles returns the go.mod files below root, relative to it.
func modFiles(t *testing.T, root string) (files []string) {
	t.Helper()
	require.NoError(t, fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "go.mod" {
			files = append(files, name)
		}
		return err
	}))
	return files
}

// serve adds the module in dir to a proxy that consists of files, see
// https://go.dev/ref/mod#goproxy-protocol.
func serve(t *testing.T, proxy, dir, version string) {
	t.Helper()
	at := filepath.Join(proxy, filepath.FromSlash(path.Join(core, dir)), "@v")
	require.NoError(t, os.MkdirAll(at, 0o700))
	mod, err := goMod(dir)
	require.NoError(t, err)
	for name, content := range map[string]string{
		"list":            version + "\n",
		version + ".info": fmt.Sprintf(`{"Version":%q}`, version),
		version + ".mod":  string(mod),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(at, name), []byte(content), 0o600))
	}
	file, err := os.Create(filepath.Join(at, version+".zip"))
	require.NoError(t, err)
	defer file.Close()
	w := zip.NewWriter(file)
	require.NoError(t, archive(w, dir, path.Join(core, dir)+"@"+version))
	require.NoError(t, w.Close())
}

// archive writes the files of the module in dir, without those of nested modules.
func archive(w *zip.Writer, dir, prefix string) error {
	root := filepath.Join("..", dir)
	return filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, err := os.Stat(filepath.Join(name, "go.mod"))
			if name != root && err == nil || d.Name() == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		inside, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		to, err := w.Create(prefix + "/" + filepath.ToSlash(inside))
		if err != nil {
			return err
		}
		if inside == "go.mod" {
			mod, err := goMod(dir)
			if err == nil {
				_, err = to.Write(mod)
			}
			return err
		}
		from, err := os.Open(name)
		if err != nil {
			return err
		}
		defer from.Close()
		_, err = io.Copy(to, from)
		return err
	})
}

// goMod returns the go.mod file of a module as it is released: that of a command
// without replace lines, see scripts/release.
func goMod(dir string) ([]byte, error) {
	mod, err := os.ReadFile(filepath.Join("..", dir, "go.mod"))
	if strings.HasPrefix(filepath.ToSlash(dir), "cmd/") {
		mod = replaceLines.ReplaceAll(mod, nil)
	}
	return mod, err
}

var replaceLines = regexp.MustCompile(`(?ms)^replace \(.*?^\)\n|^replace [^\n]*\n`)

// run runs a command in a directory and returns what it prints.
func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	out, err := command(t, dir, env, name, args...)
	require.NoError(t, err, "%s %s:\n%s", name, strings.Join(args, " "), out)
	return out
}

func command(t *testing.T, dir string, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
