package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// calls are those that a case has made and that have not returned.
type calls struct {
	mu       sync.Mutex
	under    map[*string]bool // the methods
	walks    int              // loops over a walk
	returned uint64
}

// begin notes that a method is called. The function that it returns notes that
// the call has returned; to call it again does nothing.
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

// walk notes that a loop over a walk begins.
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

// hang returns "" once done is closed. If calls are under way and none has
// returned for suspiciously long, it says so.
func (c *calls) hang(patience time.Duration, done <-chan struct{}) string {
	ticker := time.NewTicker(patience / 30)
	defer ticker.Stop()
	since, last := time.Now(), uint64(0)
	for {
		select {
		case <-done:
			return ""
		case <-ticker.C:
		}
		c.mu.Lock()
		under, walks, returned := len(c.under), c.walks, c.returned
		c.mu.Unlock()
		if under == 0 || returned != last {
			since, last = time.Now(), returned
		} else if time.Since(since) > patience {
			return c.complaint(patience, walks)
		}
	}
}

func (c *calls) complaint(patience time.Duration, walks int) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var methods []string
	for m := range c.under {
		methods = append(methods, *m)
	}
	slices.Sort(methods)
	s := fmt.Sprintf("the store hangs: %s did not return for %v", strings.Join(slices.Compact(methods), ", "), patience)
	if walks > 0 {
		s += "; it was called while the caller was in a loop over a walk, which must hold no lock and no connection there"
	}
	return s
}
