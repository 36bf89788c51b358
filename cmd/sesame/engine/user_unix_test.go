//go:build unix

package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sesame-go/sesame/cmd/sesame/engine"
)

// Root does not act on another user's files; their user does.
func TestRootRefuses(t *testing.T) {
	for kind, sign := range map[string]string{"log": "", "dir": "/format", "sqlite": ""} {
		path := filepath.Join(t.TempDir(), "sessions")
		e, err := engine.Create(t.Context(), kind+":"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		const other = 12345
		err = os.Chown(path+sign, other, -1)
		if root := os.Geteuid() == 0; err != nil && root {
			t.Fatal(err)
		}
		e, err = engine.Open(t.Context(), kind+":"+path, nil)
		switch {
		case err == nil && os.Geteuid() == 0:
			t.Errorf("%s: root opened the files of another user", kind)
			e.Close()
		case err == nil:
			e.Close()
		case !strings.Contains(err.Error(), "sudo -u '#12345' sesame"):
			t.Errorf("%s: %v", kind, err)
		}
	}
}
