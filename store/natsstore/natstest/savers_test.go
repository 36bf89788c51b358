package natstest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/natsstore"
)

// savers are clients that keep saving one session.
type savers struct {
	URL    string
	Bucket string
	Delay  time.Duration // of each write to the connection
	Key    store.Key
	Number int
	Renew  bool // each save is a renewal
	Blind  bool // they load only after a conflict
}

// run saves until ctx is done, and calls each after each save.
func (x savers) run(ctx context.Context, s *natsstore.Store, each func()) error {
	errs := make([]error, x.Number)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for ctx.Err() == nil && errs[i] == nil {
				errs[i] = x.save(ctx, s, each)
			}
			if ctx.Err() != nil {
				errs[i] = nil
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (x savers) save(ctx context.Context, s *natsstore.Store, each func()) error {
	r, err := s.Load(ctx, x.Key)
	if errors.Is(err, store.ErrNotFound) {
		return sleep(ctx, time.Millisecond)
	}
	for again := true; again && err == nil; again = x.Blind {
		r.Durable = x.Renew
		if r.Version, err = s.Save(ctx, x.Key, r); err == nil {
			each()
		}
	}
	if errors.Is(err, store.ErrConflict) {
		return nil
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// open returns a store of the savers' own, and what closes its connection.
func (x savers) open() (*natsstore.Store, func(), error) {
	nc, err := dial(x.URL, x.Delay)
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, nil, err
	}
	s, err := natsstore.Open(context.Background(), js, natsstore.WithBucket(x.Bucket))
	return s, nc.Close, err
}

// start runs the savers on s. When it returns they are at work.
func (x savers) start(s *natsstore.Store) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	saved := make(chan struct{}, 1)
	failed := make(chan error, 1)
	go func() {
		failed <- x.run(ctx, s, func() {
			select {
			case saved <- struct{}{}:
			default:
			}
		})
		close(saved)
	}()
	for range 10 {
		<-saved
	}
	return func() error {
		cancel()
		return <-failed
	}
}

// A saving process runs savers as it is told.
type process struct {
	in  *json.Encoder
	out *bufio.Reader
}

const processEnv = "NATSTEST_SAVERS"

// startProcess runs one until the test ends.
func startProcess(t *testing.T) *process {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), processEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		require.NoError(t, cmd.Wait())
	})
	return &process{json.NewEncoder(in), bufio.NewReader(out)}
}

// save has the process run x instead of what it has run before.
func (p *process) save(t *testing.T, x savers) {
	require.NoError(t, p.in.Encode(x))
	line, err := p.out.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "saving\n", line)
}

// TestMain makes the process one of savers, or a server, if a test has started it
// as such.
func TestMain(m *testing.M) {
	var err error
	switch {
	case os.Getenv(processEnv) != "":
		err = obey(os.Stdin)
	case os.Getenv(serverEnv) != "":
		err = serve(os.Getenv(serverEnv))
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func obey(in io.Reader) error {
	orders := json.NewDecoder(in)
	stop := func() error { return nil }
	for {
		var x savers
		err := orders.Decode(&x)
		if stopped := stop(); stopped != nil || errors.Is(err, io.EOF) {
			return stopped
		}
		if err != nil {
			return err
		}
		s, done, err := x.open()
		if err != nil {
			return err
		}
		end := x.start(s)
		stop = func() error {
			defer done()
			return end()
		}
		fmt.Println("saving")
	}
}
