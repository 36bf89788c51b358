package servers

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A server is one of a test's own, which the test may kill.
type server struct {
	dir     string
	service string
	source  string
}

const services = "../../../../scripts/services"

// starting is held while a server starts: two that look for a free port at the
// same moment may find the same.
var starting sync.Mutex

// own starts a server for a test.
func (e engine) own(t *testing.T) *server {
	t.Helper()
	starting.Lock()
	defer starting.Unlock()
	var out []byte
	var err error
	for range 3 { // others may look for one, too
		cmd := exec.CommandContext(t.Context(), services, "up", e.service)
		cmd.Stderr = os.Stderr
		if out, err = cmd.Output(); err == nil {
			break
		}
	}
	require.NoError(t, err)
	s := &server{service: e.service}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		switch value = strings.Trim(value, "'"); name {
		case "SESAME_TEST_SERVICES":
			s.dir = value
			t.Cleanup(func() { require.NoError(t, exec.Command(services, "down", value).Run()) })
		case variables[e.service]:
			s.source = value
		}
	}
	require.NotEmpty(t, s.dir)
	require.NotEmpty(t, s.source)
	return s
}

func (s *server) do(t *testing.T, what string) {
	t.Helper()
	out, err := exec.Command(services, what, s.dir, s.service).CombinedOutput()
	require.NoError(t, err, "%s: %s", what, out)
}

// kill ends the server as a crash does.
func (s *server) kill(t *testing.T) { t.Helper(); s.do(t, "kill") }

// start starts it again, with the same data at the same address.
func (s *server) start(t *testing.T) { t.Helper(); s.do(t, "start") }
