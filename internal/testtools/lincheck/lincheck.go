// Package lincheck checks whether a store is linearizable: whether the answers to
// concurrent calls are the same as those of a store that executes the calls one
// after the other, in some order.
package lincheck

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/sesame-go/sesame/store"
)

const (
	histories = 40 // per test
	keyCount  = 3  // few, so that the clients' calls conflict
	clients   = 6
	calls     = 25 // per client and history
	patience  = 20 * time.Second
)

// Run lets several clients concurrently call Load, Save, Touch and Delete on a few
// keys, and checks the histories of their calls. newStore must return an empty
// store; Run calls it once for each history and once more.
//
// A linearizable store never fails. Another store may pass by chance.
func Run(t *testing.T, newStore func(t *testing.T) store.Store) {
	t.Helper()
	if err := check(t.Context(), func() store.Store { return newStore(t) }); err != nil {
		t.Error(err)
	}
}

// check returns an error for the first history that no order of calls explains.
func check(ctx context.Context, newStore func() store.Store) error {
	touchKeeps, err := touchKeepsVersion(ctx, newStore())
	if err != nil {
		return err
	}
	for seed := range uint64(histories) {
		history, err := record(ctx, newStore(), seed)
		if err != nil {
			return err
		}
		if v := repeats(history); v != 0 {
			return fmt.Errorf("history %d: two saves of one key returned version %d", seed, v)
		}
		m := model(touchKeeps)
		switch result, info := porcupine.CheckOperationsVerbose(m, history, patience); result {
		case porcupine.Illegal:
			return fmt.Errorf("history %d is not linearizable\n%s", seed, explain(m, history, info))
		case porcupine.Unknown:
			return fmt.Errorf("history %d of %d calls could not be judged within %v", seed, len(history), patience)
		}
	}
	return nil
}

// touchKeepsVersion reports whether the store's Touch leaves the version unchanged.
// The contract allows both; the model is stricter if it does.
func touchKeepsVersion(ctx context.Context, s store.Store) (bool, error) {
	var k store.Key
	now := time.Now()
	v, err := s.Save(ctx, k, store.Record{Expires: now.Add(time.Hour)})
	if err != nil {
		return false, err
	}
	if err := s.Touch(ctx, k, now.Add(2*time.Hour)); err != nil {
		return false, err
	}
	r, err := s.Load(ctx, k)
	return r.Version == v, err
}

// record runs clients on s and returns the history of their calls.
func record(ctx context.Context, s store.Store, seed uint64) ([]porcupine.Operation, error) {
	var keys [keyCount]store.Key
	for i := range keys {
		keys[i][0] = byte(i * 0x55) // far apart
	}
	begin := time.Now()
	epoch := begin.Add(time.Hour).Truncate(time.Millisecond)
	histories := make([][]porcupine.Operation, clients)
	errs := make([]error, clients)
	var wg sync.WaitGroup
	for id := range clients {
		c := &client{
			s: s, keys: keys, epoch: epoch,
			rand: rand.New(rand.NewPCG(seed, uint64(id))),
			id:   uint64(id + 1),
		}
		wg.Go(func() {
			for range calls {
				in := c.choose()
				call := time.Since(begin)
				out, err := c.do(ctx, in)
				if err != nil {
					errs[id] = fmt.Errorf("%v: %w", in, err)
					return
				}
				histories[id] = append(histories[id], porcupine.Operation{
					ClientId: id, Input: in, Call: int64(call), Output: out, Return: int64(time.Since(begin)),
				})
				c.learn(in, out)
			}
		})
	}
	wg.Wait()
	var history []porcupine.Operation
	for _, h := range histories {
		history = append(history, h...)
	}
	return history, errors.Join(errs...)
}

// A client calls the store, with versions that it knows from earlier answers.
type client struct {
	s      store.Store
	keys   [keyCount]store.Key
	epoch  time.Time
	rand   *rand.Rand
	id     uint64
	serial uint64
	known  [keyCount]uint64 // the last version seen of each key
}

// choose returns the next call to make.
func (c *client) choose() input {
	c.serial++
	in := input{
		key:     c.rand.IntN(keyCount),
		value:   c.id<<32 | c.serial,
		expires: c.rand.Int64N(1000),
	}
	in.version = c.known[in.key]
	switch n := c.rand.IntN(100); {
	case n < 25:
		in.op = load
	case n < 40:
		in.op = touch
	case n < 55:
		in.op = remove
	default:
		in.op = save
		if c.rand.IntN(4) == 0 {
			in.version = 0
		}
	}
	return in
}

// do makes the call. Errors that the contract names are outputs; any other error
// ends the check.
func (c *client) do(ctx context.Context, in input) (output, error) {
	k := c.keys[in.key]
	expires := c.epoch.Add(time.Duration(in.expires) * time.Second)
	r := store.Record{
		Version: in.version,
		Expires: expires,
		Data:    binary.BigEndian.AppendUint64(nil, in.value),
	}
	var out output
	var err error
	switch in.op {
	case load:
		r, err = c.s.Load(ctx, k)
		if err == nil {
			out = output{
				version: r.Version,
				value:   binary.BigEndian.Uint64(append(bytes.Clone(r.Data), make([]byte, 8)...)),
				expires: int64(r.Expires.Sub(c.epoch).Round(time.Second) / time.Second),
			}
		}
	case save:
		out.version, err = c.s.Save(ctx, k, r)
	case touch:
		err = c.s.Touch(ctx, k, expires)
	case remove:
		err = c.s.Delete(ctx, k)
	}
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) {
		return output{refused: true}, nil
	}
	return out, err
}

// learn remembers the version in an answer.
func (c *client) learn(in input, out output) {
	switch {
	case out.refused && in.op == load || in.op == remove:
		// The client keeps the version, to try later calls that must be refused.
		if c.rand.IntN(2) == 0 {
			c.known[in.key] = 0
		}
	case out.refused || in.op == touch:
	default:
		c.known[in.key] = out.version
	}
}

// explain lists the calls on the keys whose history no order explains.
func explain(m porcupine.Model, history []porcupine.Operation, info porcupine.LinearizationInfo) string {
	var b strings.Builder
	for i, part := range m.Partition(history) {
		longest := 0
		for _, p := range info.PartialLinearizationsOperations()[i] {
			longest = max(longest, len(p))
		}
		if longest == len(part) {
			continue
		}
		fmt.Fprintf(&b, "at most %d of these %d calls can be put in order:\n", longest, len(part))
		for _, o := range part {
			fmt.Fprintf(&b, "%9d to %9d ns, client %d: %s\n",
				o.Call, o.Return, o.ClientId, m.DescribeOperation(o.Input, o.Output))
		}
	}
	return b.String()
}
