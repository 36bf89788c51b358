package goredis

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"
)

const (
	// maxBatch bounds a pipeline, so that the first command in it does not wait
	// long for the last.
	maxBatch = 128

	// maxPipelines is how many pipelines of a group are on the wire at once.
	// With more of them each is shorter, and the work of many small ones costs
	// more than the wait that they save.
	maxPipelines = 2
)

// group sends commands in pipelines. While maxPipelines are on the wire,
// commands gather for the next one. A group has goroutines only as long as it
// has commands.
type group struct {
	pipeline func() redis.Pipeliner

	mu      sync.Mutex
	waiting []*call
	busy    int // goroutines at work
}

// call is a command whose caller waits for it.
type call struct {
	group *group
	cmd   redis.Cmder      // what is sent
	reply *redis.StringCmd // the same, or what it wraps
	done  chan struct{}    // closed once the command has its reply or its error
	err   error            // valid once done is closed
}

// enter has the calls sent, together if there is room for them in one pipeline.
func (g *group) enter(calls ...*call) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, calls...)
	for range (len(calls) + maxBatch - 1) / maxBatch {
		if g.busy < maxPipelines {
			g.busy++
			go g.work()
		}
	}
}

// wait waits until a call that has entered its group is done. If the context ends
// before the command is sent it never is; if later, its effect is unknown.
func (c *call) wait(ctx context.Context) (string, error) {
	select {
	case <-c.done:
		return c.reply.Val(), c.err
	case <-ctx.Done():
		c.group.leave(c)
		return "", ctx.Err() // the reply may come yet, and is not to be looked at
	}
}

func (g *group) leave(c *call) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, c); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
}

// work sends commands until there are none left.
func (g *group) work() {
	for batch := g.next(nil); len(batch) > 0; batch = g.next(batch) {
		send(g.pipeline(), batch)
	}
}

// next takes the calls that have waited longest. It reuses the space of the
// batch before.
func (g *group) next(batch []*call) []*call {
	clear(batch)
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), maxBatch)
	batch = append(batch[:0], g.waiting[:n]...)
	g.waiting = slices.Delete(g.waiting, 0, n)
	if n == 0 {
		g.busy--
	}
	return batch
}

// send carries out a batch. Each command has its own reply or error; only a
// failure of the connection, or of a hook, is that of all.
func send(p redis.Pipeliner, batch []*call) {
	ctx := context.Background() // the callers' contexts end their waiting alone
	for _, c := range batch {
		_ = p.Process(ctx, c.cmd) // it only queues
	}
	failure := guard(func() error {
		_, err := p.Exec(ctx)
		if !slices.ContainsFunc(batch, func(c *call) bool { return c.cmd.Err() != nil }) {
			// If the server has refused the connection, such as by WRONGPASS,
			// nothing was sent, and the commands look as if they had succeeded.
			return err
		}
		return nil
	})
	for _, c := range batch {
		if c.err = failure; c.err == nil {
			c.err = c.cmd.Err()
		}
		close(c.done)
	}
}

// guard calls f. It returns f's error, or one for the panic of a hook of the
// client, which would otherwise end the process: f runs on a goroutine that
// belongs to no request.
func guard(f func() error) (err error) {
	defer func() {
		if bug := recover(); bug != nil {
			err = fmt.Errorf("sesame/goredis: a hook of the client has panicked: %v", bug)
		}
	}()
	return f()
}
