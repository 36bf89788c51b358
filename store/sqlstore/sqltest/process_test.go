package sqltest

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/killtest"
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

func write(ctx context.Context, s *sqlstore.Store) error {
	return killtest.Work(ctx, s, os.Getpid(), os.Stdout)
}

// TestKill kills a writer with SIGKILL at random moments, again and again, on
// one file. Whatever it was told to be done must be so.
func TestKill(t *testing.T) {
	kills := killtest.Kills(20)
	file := filepath.Join(t.TempDir(), "sessions.sqlite")
	s := newStore(t, openDB(t, dsn(file)))
	var l killtest.Ledger
	for l.More(kills) {
		require.NoError(t, l.KillProcess(process(t, "write", file), 120*time.Millisecond))
		require.NoError(t, l.Check(t.Context(), s))
	}
	var verdict string
	require.NoError(t, openDB(t, dsn(file)).QueryRow("PRAGMA integrity_check").Scan(&verdict))
	require.Equal(t, "ok", verdict)
	t.Log(l.Report("sqlstore, SQLite"))
	require.GreaterOrEqual(t, l.Answered(), kills)
}
