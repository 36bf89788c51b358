package sqltest

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// roles are what the processes that tests start do with a file.
var roles = map[string]func(file string) error{
	"count": func(file string) error { return inProcess(file, count) },
	"write": func(file string) error { return inProcess(file, write) },
}

// process returns a command that runs this program in a role.
func process(t *testing.T, role, file string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "SQLTEST_ROLE="+role, "SQLTEST_FILE="+file)
	cmd.Stderr = os.Stderr
	return cmd
}

func inProcess(file string, work func(context.Context, *sqlstore.Store) error) error {
	db, err := sql.Open("sqlite", dsn(file))
	if err != nil {
		return err
	}
	defer db.Close()
	s := sqlstore.New(db, sqlstore.SQLite())
	defer s.Close()
	ctx := context.Background()
	if err := s.CreateTable(ctx); err != nil {
		return err
	}
	return work(ctx, s)
}

const (
	counters = 4   // goroutines of a process that counts
	each     = 100 // what each of them counts
)

// count increases the counter under key 0, with many others.
func count(ctx context.Context, s *sqlstore.Store) error {
	var wg sync.WaitGroup
	errs := make([]error, counters)
	for i := range counters {
		wg.Go(func() {
			for range each {
				if errs[i] = increase(ctx, s, key(0)); errs[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func increase(ctx context.Context, s store.Store, k store.Key) error {
	for {
		r, err := s.Load(ctx, k)
		if errors.Is(err, store.ErrNotFound) {
			r, err = record("0"), nil
		}
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(r.Data))
		if err != nil {
			return err
		}
		r.Data = strconv.AppendInt(nil, int64(n+1), 10)
		if _, err = s.Save(ctx, k, r); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}

// TestProcesses has two processes increase one counter, from the creation of
// the table on.
func TestProcesses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sessions.sqlite")
	var processes [2]*exec.Cmd
	for i := range processes {
		processes[i] = process(t, "count", file)
		require.NoError(t, processes[i].Start())
	}
	for _, p := range processes {
		require.NoError(t, p.Wait())
	}
	r, err := newStore(t, openDB(t, dsn(file))).Load(t.Context(), key(0))
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(len(processes)*counters*each), string(r.Data))
}

// write saves, renews and deletes without end. It prints what it is about to do
// and, once that is done, what it has done. Each of its goroutines has keys of
// its own.
func write(ctx context.Context, s *sqlstore.Store) error {
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf(format+"\n", args...) // one write, unbuffered
	}
	fail := make(chan error)
	for range 8 {
		go func() {
			for {
				var k store.Key
				copy(k[:], strconv.AppendUint(nil, rand.Uint64(), 36))
				r := record(strings.Repeat(k.String(), 10))
				r.Owner = "ann"
				var err error
				for i := range 3 {
					say("begin %s save%d", k, i)
					if r.Version, err = s.Save(ctx, k, r); err != nil {
						fail <- err
					}
					say("done %s save%d", k, i)
				}
				switch rand.IntN(3) {
				case 0:
					say("begin %s deleted", k)
					if err := s.Delete(ctx, k); err != nil {
						fail <- err
					}
					say("done %s deleted", k)
				case 1:
					r.Data, r.Durable = []byte("renewed"), true
					say("begin %s renewed", k)
					if _, err := s.Save(ctx, k, r); err != nil {
						fail <- err
					}
					say("done %s renewed", k)
				}
			}
		}()
	}
	return <-fail
}

// TestKill kills a writer with SIGKILL at random moments, again and again, on
// one file. Whatever it was told to be done must be so.
func TestKill(t *testing.T) {
	const rounds = 60
	file := filepath.Join(t.TempDir(), "sessions.sqlite")
	s := newStore(t, openDB(t, dsn(file)))
	ctx := t.Context()
	acknowledged, round := 0, 0
	for ; round < rounds || acknowledged <= rounds && round < 20*rounds; round++ { // more if the disk is slow
		begun, done := killed(t, file)
		acknowledged += len(done)
		for k, what := range done {
			r, err := s.Load(ctx, k)
			switch {
			case what == "deleted":
				require.ErrorIs(t, err, store.ErrNotFound, "a deleted session is back")
			case what == "renewed":
				require.NoError(t, err, "a renewed session is gone")
				require.Equal(t, "renewed", string(r.Data), "a renewed session is as it was before")
			case begun[k] == "deleted" && errors.Is(err, store.ErrNotFound): // though not acknowledged
			case begun[k] == "renewed" && err == nil && string(r.Data) == "renewed":
			default:
				require.NoError(t, err, "a saved session is gone")
				require.Equal(t, strings.Repeat(k.String(), 10), string(r.Data))
			}
		}
	}
	var verdict string
	require.NoError(t, openDB(t, dsn(file)).QueryRow("PRAGMA integrity_check").Scan(&verdict))
	require.Equal(t, "ok", verdict)
	t.Logf("kills=%d acknowledged_sessions=%d", round, acknowledged)
	require.Greater(t, acknowledged, rounds)
}

// killed runs a writer for a moment. It returns the last that the writer began
// and the last that it had done, by key.
func killed(t *testing.T, file string) (begun, done map[store.Key]string) {
	cmd := process(t, "write", file)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	begun, done = make(map[store.Key]string), make(map[store.Key]string)
	lines := bufio.NewScanner(out)
	for first := true; lines.Scan(); {
		if first {
			time.AfterFunc(time.Duration(rand.IntN(120))*time.Millisecond, func() { cmd.Process.Kill() })
			first = false
		}
		var state, id string
		n, _ := fmt.Sscan(lines.Text(), &state, &id)
		what, ok := strings.CutPrefix(lines.Text(), state+" "+id+" ")
		k, err := store.ParseKey(id)
		if n != 2 || !ok || err != nil {
			break // the last line, cut short
		}
		if state == "done" {
			done[k] = what
		} else {
			begun[k] = what
		}
	}
	require.Error(t, cmd.Wait(), "the writer must have been killed")
	return begun, done
}
