package inspect

import (
	"errors"
	"fmt"
	"net/http"
)

// Option changes a default of [Handler].
type Option interface{ apply(*config) }

type option func(*config)

func (o option) apply(c *config) { o(c) }

type config struct {
	allow   func(*http.Request) bool
	refused http.Handler
	keep    int
}

// Allow sets who may see the page and end sessions: f is asked with every
// request, also those for styles and scripts. There is no default, and [Handler]
// panics without one.
//
// The page keeps a stream of events open. It ends after a minute, and the
// browser opens another, so that f is asked again: an operator who has logged
// out sees a minute more at most. Requests of the stream are Passive if the page
// is within the Handler of the manager that it shows. If f asks another
// manager, call its Passive for requests with the Accept header
// text/event-stream, or a page left open keeps the operator's session alive.
//
// When the store is down the page stays and says so, unless f needs that store.
// f must be safe for concurrent use.
func Allow(f func(*http.Request) bool) Option {
	return option(func(c *config) { c.allow = f })
}

// Refused sets what answers a request that [Allow] has refused, such as a
// redirect to the log-in. The default answers 404 Not Found, as if the page were
// not there.
func Refused(h http.Handler) Option {
	return option(func(c *config) { c.refused = h })
}

// KeepEvents sets how many events of each kind are kept in memory. The default
// is 500: at most 10,000 in all, some 2 MB. Events of one kind never push out
// those of another, so a flood of made-up cookies does not hide a log-out.
func KeepEvents(n int) Option {
	return option(func(c *config) { c.keep = n })
}

func (c *config) validate() error {
	switch {
	case c.allow == nil:
		return errors.New("it shows what users have in their sessions and ends them, so say who may see it: inspect.Allow(func(r *http.Request) bool { … })")
	case c.refused == nil:
		return errors.New("Refused(nil): leave it out for 404 Not Found")
	case c.keep < 1:
		return fmt.Errorf("KeepEvents(%d): use 1 or more", c.keep)
	}
	return nil
}
