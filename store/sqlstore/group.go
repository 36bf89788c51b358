package sqlstore

import (
	"context"
	"slices"
	"sync"
)

// maxBatch bounds a transaction, so that the first in it does not wait long
// for the last.
const maxBatch = 256

// A group carries out operations on a database that lets one transaction write
// at a time. While one transaction is under way calls gather, and the next
// transaction carries them all out, so that they share the cost of a commit. A
// call returns after the commit. The group has a goroutine only as long as there
// are calls.
type group struct {
	transact func(batch []*call) (failed int, err error)

	mu      sync.Mutex
	waiting []*call
	running sync.WaitGroup
	busy    bool
	closed  bool
}

// A call is an operation whose caller waits.
type call struct {
	ctx  context.Context
	op   operation
	rows int64
	err  error
	done chan struct{} // closed once rows and err are final
}

// do carries out op. If the context ends while op waits, op has no effect. If
// the context ends later, op may have its effect or not.
func (g *group) do(ctx context.Context, op operation) (int64, error) {
	c := &call{ctx: ctx, op: op, done: make(chan struct{})}
	if err := g.enter(c); err != nil {
		return 0, err
	}
	select {
	case <-c.done:
		return c.rows, c.err
	case <-ctx.Done():
		g.leave(c)
		return 0, ctx.Err()
	}
}

func (g *group) enter(c *call) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errClosed
	}
	g.waiting = append(g.waiting, c)
	if !g.busy {
		g.busy = true
		g.running.Go(g.work)
	}
	return nil
}

func (g *group) leave(c *call) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, c); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
}

// work carries out calls until none are left.
func (g *group) work() {
	for {
		batch := g.next()
		if len(batch) == 0 {
			return
		}
		g.commit(batch)
	}
}

// next takes the calls that have waited longest.
func (g *group) next() []*call {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), maxBatch)
	batch := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	g.busy = n > 0
	return batch
}

// commit carries out a batch. An operation that fails aborts the transaction, so the
// others are tried again without it. If the transaction itself
// fails, all operations of the batch do.
func (g *group) commit(batch []*call) {
	for len(batch) > 0 {
		failed, err := g.transact(batch)
		if err != nil && failed >= 0 {
			batch[failed].answer(err)
			batch = slices.Delete(batch, failed, failed+1)
			continue
		}
		for _, c := range batch {
			c.answer(err)
		}
		return
	}
}

// run carries out the operation in a transaction, unless its context has ended.
// It returns an error only if the transaction cannot go on.
func (c *call) run(x exec) (err error) {
	if c.err = c.ctx.Err(); c.err == nil {
		c.rows, err = c.op(x)
	}
	return err
}

// answer ends the call, with err unless it has an error of its own.
func (c *call) answer(err error) {
	if c.err == nil {
		c.err = err
	}
	close(c.done)
}

// close refuses further calls and waits for those that have begun.
func (g *group) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.running.Wait()
}
