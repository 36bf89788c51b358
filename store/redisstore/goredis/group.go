package goredis

import (
	"context"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"
)

const (
	// maxBatch bounds a pipeline, so that the first in it does not wait long
	// for the last.
	maxBatch = 128

	// maxPipelines is how many pipelines of a group are on the wire at once.
	// With more of them each is shorter, and the work of many small ones
	// costs more than the wait that they save.
	maxPipelines = 2
)

// A group sends commands in pipelines. While as many as may be are on the
// wire commands gather, and the next pipeline takes them. There are
// goroutines for it only as long as there are commands.
type group struct {
	pipeline func() redis.Pipeliner

	mu      sync.Mutex
	waiting []*call
	busy    int // goroutines at work
}

// A call is a command that somebody waits for.
type call struct {
	cmd  redis.Cmder
	done chan struct{} // closed once cmd has its reply or its error
}

// do sends cmd and waits for its reply. Should the context end while cmd
// waits, it is never sent; if that happens later its fate is open.
func (g *group) do(ctx context.Context, cmd redis.Cmder) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &call{cmd, make(chan struct{})}
	g.enter(c)
	select {
	case <-c.done:
		return cmd.Err()
	case <-ctx.Done():
		g.leave(c)
		return ctx.Err()
	}
}

func (g *group) enter(c *call) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, c)
	if g.busy < maxPipelines {
		g.busy++
		go g.work()
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

// next takes the calls that have waited longest. It uses the space of the
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

// send carries out a batch. Each command has its own reply or error, and only
// what befalls the connection befalls all.
func send(p redis.Pipeliner, batch []*call) {
	ctx := context.Background() // a caller's context is that caller's own
	defer func() {
		for _, c := range batch {
			close(c.done)
		}
	}()
	for _, c := range batch {
		_ = p.Process(ctx, c.cmd) // it only queues
	}
	_, err := p.Exec(ctx)
	if err == nil {
		return
	}
	// The commands have their errors, but for one that the server gives when a
	// connection is opened, such as WRONGPASS: then nothing was sent, and the
	// commands look as if they had succeeded.
	for _, c := range batch {
		if c.cmd.Err() != nil {
			return
		}
	}
	for _, c := range batch {
		c.cmd.SetErr(err)
	}
}
