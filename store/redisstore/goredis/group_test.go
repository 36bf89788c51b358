package goredis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A wire is a hook of go-redis that stands for the server. It answers each
// command with its own text, once it has been let proceed.
type wire struct {
	entered chan int // gets the size of each pipeline
	proceed chan struct{}
	fail    error
}

func (w *wire) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (w *wire) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (w *wire) ProcessPipelineHook(redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(_ context.Context, cmds []redis.Cmder) error {
		w.entered <- len(cmds)
		<-w.proceed
		for _, cmd := range cmds {
			key := fmt.Sprint(cmd.Args()[1])
			if key == "ill" {
				cmd.SetErr(errors.New("ERR ill"))
			} else if w.fail != nil {
				cmd.SetErr(w.fail)
			} else {
				cmd.(*redis.StringCmd).SetVal(key)
			}
		}
		return w.fail
	}
}

// wired returns a Conn over a wire.
func wired(t *testing.T) (*Conn, *wire) {
	w := &wire{entered: make(chan int, 100), proceed: make(chan struct{})}
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	t.Cleanup(func() { _ = client.Close() })
	client.AddHook(w)
	return New(client), w
}

// waiting waits until n commands wait for the next pipeline.
func waiting(t *testing.T, c *Conn, n int) {
	require.Eventually(t, func() bool {
		c.mu.Lock()
		g := c.groups[lane{}]
		c.mu.Unlock()
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.waiting) == n
	}, 10*time.Second, time.Millisecond)
}

// TestGathers sees that commands which come while pipelines are on the wire
// share the next ones, that each gets its own reply, that those whose callers
// left are never sent, and that no goroutine is left.
func TestGathers(t *testing.T) {
	c, w := wired(t)
	var wg sync.WaitGroup
	get := func(ctx context.Context, key string, want error) {
		wg.Go(func() {
			value, found, err := c.Get(ctx, key)
			if want != nil {
				assert.ErrorIs(t, err, want)
				return
			}
			assert.NoError(t, err)
			assert.True(t, found)
			assert.Equal(t, key, value)
		})
	}
	for i := range maxPipelines {
		get(t.Context(), fmt.Sprint("first", i), nil)
		assert.Equal(t, 1, <-w.entered)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	for i := range maxBatch + 10 {
		get(t.Context(), fmt.Sprint(i), nil)
		if i%10 == 0 {
			get(cancelled, "never", context.Canceled)
		}
	}
	waiting(t, c, maxBatch+10+(maxBatch+10+9)/10)
	cancel()
	waiting(t, c, maxBatch+10)
	close(w.proceed)
	wg.Wait()
	assert.Equal(t, maxBatch+10, <-w.entered+<-w.entered)
	assert.Empty(t, w.entered)
	require.Eventually(t, func() bool {
		g := c.groups[lane{}]
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.busy == 0
	}, 10*time.Second, time.Millisecond)
}

// TestOwnErrors sees that an error is that command's alone, unless it is the
// connection's.
func TestOwnErrors(t *testing.T) {
	c, w := wired(t)
	var wg sync.WaitGroup
	for range maxPipelines {
		wg.Go(func() { _, _, _ = c.Get(t.Context(), "first") })
		<-w.entered
	}
	errs := make([]error, 2)
	wg.Go(func() { _, _, errs[0] = c.Get(t.Context(), "ill") })
	wg.Go(func() { _, _, errs[1] = c.Get(t.Context(), "well") })
	waiting(t, c, 2)
	close(w.proceed)
	wg.Wait()
	require.EqualError(t, errs[0], "ERR ill")
	require.NoError(t, errs[1])

	w.fail = errors.New("cut")
	_, found, err := c.Get(t.Context(), "well")
	require.EqualError(t, err, "cut")
	require.False(t, found)
}

// TestLeaves sees that a caller whose context ends does not wait for the
// pipeline, and that the pipeline goes on for the others.
func TestLeaves(t *testing.T) {
	c, w := wired(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { _, _, err := c.Get(ctx, "a"); done <- err }()
	<-w.entered
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	_, _, err := c.Get(ctx, "b")
	require.ErrorIs(t, err, context.Canceled)
	close(w.proceed)
	value, _, err := c.Get(t.Context(), "c")
	require.NoError(t, err)
	require.Equal(t, "c", value)
}
