package servers

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
)

type visitor struct {
	User  string
	Times int
}

func (v visitor) Owner() string { return v.User }

// slow is a store whose writes take a millisecond more.
type slow struct{ *sqlstore.Store }

func (s slow) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	time.Sleep(time.Millisecond)
	return s.Store.Save(ctx, k, r)
}

// A site is a manager with two pages.
type site struct {
	*sesame.Manager[visitor]
	save, logIn http.Handler
}

func newSite(s store.Store) site {
	m := sesame.New[visitor](sesame.WithStore(s))
	return site{m,
		m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			m.Get(r.Context()).Times++
		})),
		m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			m.Renew(r.Context())
			m.Get(r.Context()).User = "ann"
		})),
	}
}

// request asks for a page with a cookie, written as in the header. It returns
// the status and the cookie of the answer.
func request(page http.Handler, cookie string) (status int, set string) {
	r := httptest.NewRequest("GET", "https://example.com/", nil)
	r.Header.Set("Cookie", cookie)
	w := httptest.NewRecorder()
	page.ServeHTTP(w, r)
	set, _, _ = strings.Cut(w.Header().Get("Set-Cookie"), ";")
	return w.Code, set
}

// keepSaving saves the session of a cookie from several clients until ctx ends.
// It calls started once for each client, after the first save.
func (s site) keepSaving(ctx context.Context, cookie string, clients int, started func()) (wait func()) {
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			once := sync.OnceFunc(started)
			for ctx.Err() == nil {
				if status, _ := request(s.save, cookie); status == http.StatusOK {
					once()
				}
			}
		})
	}
	return wg.Wait
}

// TestLogIn logs in 30 times while other clients, here or in another process,
// keep saving the same session. Every log-in must succeed, although it changes
// the owner, which has an index.
func TestLogIn(t *testing.T) {
	for _, e := range []engine{pgx, maria} {
		for _, elsewhere := range []bool{false, true} {
			for _, clients := range []int{1, 2, 4} {
				t.Run(fmt.Sprintf("%s/elsewhere=%t/clients=%d", e.name, elsewhere, clients), func(t *testing.T) {
					s, _, name := e.store(t)
					here := newSite(slow{s})
					keepSaving := func(cookie string) (stop func()) {
						ctx, cancel := context.WithCancel(t.Context())
						var started sync.WaitGroup
						started.Add(clients)
						wait := here.keepSaving(ctx, cookie, clients, started.Done)
						started.Wait()
						return func() { cancel(); wait() }
					}
					if elsewhere {
						keepSaving = e.startSavers(t, name, clients)
					}
					var longest time.Duration
					for range 30 {
						_, cookie := request(here.save, "")
						require.NotEmpty(t, cookie)
						stop := keepSaving(cookie)
						began := time.Now()
						status, fresh := request(here.logIn, cookie)
						longest = max(longest, time.Since(began))
						stop()
						require.Equal(t, http.StatusOK, status, "a log-in failed")
						require.NotEmpty(t, fresh)
						require.NotEqual(t, cookie, fresh)
					}
					t.Logf("the longest took %v", longest)
				})
			}
		}
	}
}

// startSavers starts another process. The function it returns has that process
// save a session, until stop is called.
func (e engine) startSavers(t *testing.T, table string, clients int) func(cookie string) (stop func()) {
	cmd := exec.Command(os.Args[0]) // ends with its input
	cmd.Env = append(os.Environ(), "SQLTEST_ROLE=save", "SQLTEST_ENGINE="+e.name,
		"SQLTEST_TABLE="+table, fmt.Sprint("SQLTEST_CLIENTS=", clients))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	answers := bufio.NewScanner(out)
	t.Cleanup(func() {
		require.NoError(t, in.Close())
		require.NoError(t, cmd.Wait())
	})
	say := func(line, answer string) {
		_, err := fmt.Fprintln(in, line)
		require.NoError(t, err)
		require.True(t, answers.Scan(), "the other process has ended")
		require.Equal(t, answer, answers.Text())
	}
	return func(cookie string) func() {
		say(cookie, "saving")
		return func() { say("stop", "stopped") }
	}
}

// saver is the main function of the process that startSavers starts.
func saver(in io.Reader, out io.Writer) error {
	var e engine
	for _, e = range engines {
		if e.name == os.Getenv("SQLTEST_ENGINE") {
			break
		}
	}
	clients, err := strconv.Atoi(os.Getenv("SQLTEST_CLIENTS"))
	if err != nil {
		return err
	}
	db, err := e.connect(os.Getenv(variables[e.service]))
	if err != nil {
		return err
	}
	defer db.Close()
	s := sqlstore.New(db, e.dialect(), sqlstore.WithTable(os.Getenv("SQLTEST_TABLE")))
	defer s.Close()
	there := newSite(slow{s})
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		ctx, cancel := context.WithCancel(context.Background())
		var started sync.WaitGroup
		started.Add(clients)
		wait := there.keepSaving(ctx, lines.Text(), clients, started.Done)
		started.Wait()
		fmt.Fprintln(out, "saving")
		lines.Scan()
		cancel()
		wait()
		fmt.Fprintln(out, "stopped")
	}
	return lines.Err()
}
