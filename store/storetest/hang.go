package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// calls are the calls of a case that have not returned.
type calls struct {
	mu       sync.Mutex
	under    map[*string]bool // the methods
	walks    int              // loops over a walk
	returned uint64
}

// begin records that a method is called. The function it returns records that the
// call has returned, and may be called more than once.
func (c *calls) begin(method string) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.under == nil {
		c.under = make(map[*string]bool)
	}
	call := &method
	c.under[call] = true
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.under[call] {
			delete(c.under, call)
			c.returned++
		}
	}
}

// walk records that a loop over a walk begins, and end that it is over.
func (c *calls) walk() (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.walks++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.walks--
	}
}

// hang returns "" once done is closed. If calls are running and none has returned
// for patience, it returns a description of them.
func (c *calls) hang(patience time.Duration, done <-chan struct{}) string {
	const ticks = 30 // so that a machine that was suspended misses only one
	ticker := time.NewTicker(patience / ticks)
	defer ticker.Stop()
	for silent, last := 0, uint64(0); silent < ticks; silent++ {
		select {
		case <-done:
			return ""
		case <-ticker.C:
		}
		c.mu.Lock()
		if len(c.under) == 0 || c.returned != last {
			silent, last = 0, c.returned
		}
		c.mu.Unlock()
	}
	return c.complaint(patience)
}

func (c *calls) complaint(patience time.Duration) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var methods []string
	for m := range c.under {
		methods = append(methods, *m)
	}
	slices.Sort(methods)
	s := fmt.Sprintf("the store hangs: %s did not return for %v", strings.Join(slices.Compact(methods), ", "), patience)
	if c.walks > 0 {
		s += "; it was called while the caller was in a loop over a walk, which must hold no lock and no connection there"
	}
	return s
}
