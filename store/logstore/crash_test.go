package logstore_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/logstore"
)

const crashFile = "LOGSTORE_CRASH_FILE" // set in a process that is to be killed

func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		if err := writeUntilKilled(path); err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// crashOpts let the file be compacted almost all of the time.
var crashOpts = []logstore.Option{
	logstore.WithCompactFrom(0),
	logstore.WithLockTimeout(10 * time.Second),
	logstore.WithLogger(slog.New(slog.DiscardHandler)),
}

const crashWorkers, crashKeys = 8, 25

// writeUntilKilled changes sessions and says before each change what it is to
// be and afterwards that the store has answered.
func writeUntilKilled(path string) error {
	s, err := logstore.Open(path, crashOpts...)
	if err != nil {
		return err
	}
	errs := make(chan error)
	for w := range crashWorkers {
		go func() { errs <- crashWorker(s, w) }()
	}
	return <-errs
}

func crashWorker(s *logstore.Store, w int) error {
	ctx := context.Background()
	say := func(format string, args ...any) {
		fmt.Fprintf(os.Stdout, format+"\n", args...) // one write, so whole or not at all
	}
	for {
		k := key(w*crashKeys + rand.IntN(crashKeys))
		r, err := s.Load(ctx, k)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		r.Expires = time.Now().Add(time.Hour)
		exists := err == nil
		switch n := rand.IntN(10); {
		case n < 6 || !exists:
			data := make([]byte, rand.IntN(2000)+8)
			copy(data, fmt.Sprintf("%08x", rand.Uint32()))
			r.Data = data
			say("try %x %s", k[:], data[:8])
			if _, err = s.Save(ctx, k, r); err == nil {
				say("ok %x", k[:])
			}
		case n < 8:
			say("try %x -", k[:])
			if err = s.Delete(ctx, k); err == nil {
				say("ok %x", k[:])
			}
		default:
			data := bytes.Clone(r.Data)
			copy(data, fmt.Sprintf("%08x", rand.Uint32()))
			r.Data, r.Durable = data, true
			say("try %x %s", k[:], data[:8])
			if _, err = s.Save(ctx, k, r); err == nil {
				say("ok %x", k[:])
			}
		}
		if err != nil {
			return err
		}
	}
}

// TestKilled kills a writing process, a hundred times at any moment, and sees
// each time that everything is there that it was answered.
func TestKilled(t *testing.T) {
	t.Parallel()
	rounds := 100
	if testing.Short() {
		rounds = 20
	}
	path := filepath.Join(t.TempDir(), "sessions.db")
	known := make(map[store.Key][]string) // what may be there, "" for nothing
	answers, compacting, torn := 0, 0, 0
	round := 0
	for ; round < rounds || answers <= rounds && round < 20*rounds; round++ { // more if the disk is slow
		answers += kill(t, path, known)
		if _, err := os.Stat(path + ".tmp"); err == nil {
			compacting++
		}
		s, err := logstore.Open(path, crashOpts...)
		require.NoError(t, err)
		for _, d := range s.Recovery().Damage {
			require.True(t, d.Tail, "damage in the middle of the file: %v", d)
			torn++
		}
		for i := range crashWorkers * crashKeys {
			k := key(i)
			r, err := s.Load(t.Context(), k)
			got := ""
			if err == nil {
				got = string(r.Data[:8])
			}
			if known[k] == nil {
				known[k] = []string{""}
			}
			require.Contains(t, known[k], got, "round %d, key %d", round, i)
			known[k] = []string{got}
		}
		require.NoError(t, s.Close())
	}
	t.Logf("%d kills, %d of them during a compaction; %d answers; %d torn ends", round, compacting, answers, torn)
	assert.Greater(t, answers, rounds)
}

// kill lets a process write, kills it, and adds to known what it said.
func kill(t *testing.T, path string, known map[store.Key][]string) (answers int) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashFile+"="+path)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	require.NoError(t, err)
	time.AfterFunc(time.Duration(rand.IntN(60_000))*time.Microsecond, func() { cmd.Process.Kill() })

	for line := first; err == nil; line, err = lines.ReadString('\n') {
		words := strings.Fields(line)
		require.Contains(t, []string{"try", "ok"}, words[0], line)
		for i := 1; i < len(words); i++ {
			k := parseKey(t, words[i])
			if words[0] == "ok" {
				known[k] = known[k][len(known[k])-1:]
				continue
			}
			if known[k] == nil {
				known[k] = []string{""}
			}
			i++
			known[k] = append(slices.Clone(known[k]), strings.Trim(words[i], "-"))
		}
		if words[0] == "ok" {
			answers++
		}
	}
	require.ErrorIs(t, err, io.EOF)
	require.Error(t, cmd.Wait(), "it was killed")
	return answers
}

func parseKey(t *testing.T, s string) store.Key {
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return store.Key(b)
}

// TestHandOver restarts a service without downtime: the new process waits until
// the old one has closed the file.
func TestHandOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	old, err := logstore.Open(path)
	require.NoError(t, err)
	_, err = logstore.Open(path)
	require.ErrorIs(t, err, logstore.ErrLocked)
	require.EqualError(t, err, "logstore: "+path+": another process has the file open (it holds "+path+".lock); end that process, or give each its own file")

	var wg sync.WaitGroup
	wg.Go(func() {
		s, err := logstore.Open(path, logstore.WithLockTimeout(time.Minute))
		if assert.NoError(t, err) {
			_, err = s.Load(t.Context(), key(1))
			assert.NoError(t, err)
			assert.NoError(t, s.Close())
		}
	})
	time.Sleep(20 * time.Millisecond)
	_, err = old.Save(t.Context(), key(1), store.Record{Expires: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	require.NoError(t, old.Close())
	wg.Wait()
}
