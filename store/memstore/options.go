package memstore

import "fmt"

const (
	defaultMaxSessions = 1_000_000
	defaultMaxBytes    = 512 << 20
)

// Option changes a default of [New].
type Option interface{ apply(*config) }

type option func(*config)

func (o option) apply(c *config) { o(c) }

type config struct {
	maxSessions int
	maxBytes    int64
}

func newConfig(opts []Option) config {
	c := config{maxSessions: defaultMaxSessions, maxBytes: defaultMaxBytes}
	for _, o := range opts {
		o.apply(&c)
	}
	return c
}

// WithMaxSessions bounds the number of sessions. The default is one million.
//
// When the store is full, a new session replaces others: first those that have
// expired, in the order of their expiry; then the session without an owner that is
// nearest to its expiry; then the oldest session, counted from its log-in, of the
// owner who has most. So a flood of visitors logs no user
// out, and an account with very many sessions loses its own.
//
// WithMaxSessions panics if n is not positive.
func WithMaxSessions(n int) Option {
	if n <= 0 {
		panic(fmt.Sprintf("memstore: WithMaxSessions(%d): the bound must be positive; "+
			"leave the option out for the default of %d", n, defaultMaxSessions))
	}
	return option(func(c *config) { c.maxSessions = n })
}

// WithMaxBytes bounds the memory that sessions take: for each the length of
// its data, the length of its owner's name and 200 bytes. The default is 512
// MiB, which a million sessions of 300 bytes do not reach. When the store is
// full, sessions are removed as [WithMaxSessions] says, also for one that grows.
// The garbage collector lets the process use up to twice the memory.
//
// WithMaxBytes panics if n is not positive.
func WithMaxBytes(n int64) Option {
	if n <= 0 {
		panic(fmt.Sprintf("memstore: WithMaxBytes(%d): the bound must be positive; "+
			"leave the option out for the default of %d", n, defaultMaxBytes))
	}
	return option(func(c *config) { c.maxBytes = n })
}
