package logstore

import (
	"fmt"
	"log/slog"
	"time"
)

const (
	defaultMaxSessions = 1_000_000
	defaultMaxBytes    = 512 << 20
	defaultCompactFrom = 16 << 20
)

// Option changes a default of [Open].
type Option interface{ apply(*config) }

type option func(*config)

func (o option) apply(c *config) { o(c) }

type config struct {
	sync        Sync
	maxSessions int
	maxBytes    int64
	compactFrom int64
	lockTimeout time.Duration
	strict      bool
	log         *slog.Logger
}

func newConfig(opts []Option) config {
	c := config{maxSessions: defaultMaxSessions, maxBytes: defaultMaxBytes, compactFrom: defaultCompactFrom}
	for _, o := range opts {
		o.apply(&c)
	}
	if c.log == nil {
		c.log = slog.Default()
	}
	return c
}

// Sync says when a saved session is made durable, that is, survives a power
// loss: [Always], [Never] or an [Interval]. The end of the process alone loses
// nothing in any mode. Deletions, of one session or of all of an owner, and
// saves with Durable set, by which a session is renewed, are durable before
// they are answered in every mode.
type Sync time.Duration

const (
	// Always makes a session durable before Save returns. Saves that wait at
	// the same time share one fsync.
	Always Sync = 0

	// Never leaves it to the operating system when saved sessions become
	// durable, which often takes half a minute, unless a deletion, a renewal
	// or Close makes it happen sooner.
	Never Sync = -1
)

// Interval makes saved sessions durable d later at the latest. It panics if d
// is not positive.
func Interval(d time.Duration) Sync {
	if d <= 0 {
		panic(fmt.Sprintf("logstore: Interval(%v): it must be positive; take Always or Never", d))
	}
	return Sync(d)
}

// WithSync sets when saved sessions are made durable. The default is [Always].
// WithSync panics if s is none of Always, Never and an [Interval].
func WithSync(s Sync) Option {
	if s < Never {
		panic(fmt.Sprintf("logstore: WithSync(%d): take Always, Never or Interval", s))
	}
	return option(func(c *config) { c.sync = s })
}

// WithMaxSessions bounds the number of sessions. The default is one million.
//
// When the store is full, a new session replaces others: first those that have
// expired, in the order of their expiry; then the session without an owner that is
// nearest to its expiry; then the oldest session, counted from its log-in, of the
// owner who has most. So a flood of visitors logs no user
// out, and an account with very many sessions loses its own. After a restart
// the order of an owner's sessions is that in the file.
//
// Sessions that are in the file when it is opened are kept until a new one
// needs room, even if there are more than n. WithMaxSessions panics if n is
// not positive.
func WithMaxSessions(n int) Option {
	if n <= 0 {
		panic(fmt.Sprintf("logstore: WithMaxSessions(%d): the bound must be positive; "+
			"leave the option out for the default of %d", n, defaultMaxSessions))
	}
	return option(func(c *config) { c.maxSessions = n })
}

// WithMaxBytes bounds the memory that sessions take: for each the length of
// its data, that of its owner's name and 200 bytes. The default is 512 MiB,
// which a million sessions of 300 bytes do not reach. When the store is full,
// sessions are removed as [WithMaxSessions] says, also for one that grows.
//
// The garbage collector lets the process use up to twice the memory. The file
// grows to twice the size of what it must hold before it is compacted, and a
// compaction needs room for that once more. WithMaxBytes panics if n is not
// positive.
func WithMaxBytes(n int64) Option {
	if n <= 0 {
		panic(fmt.Sprintf("logstore: WithMaxBytes(%d): the bound must be positive; "+
			"leave the option out for the default of %d", n, defaultMaxBytes))
	}
	return option(func(c *config) { c.maxBytes = n })
}

// WithCompactFrom sets from which size on, in bytes, the file is compacted
// when more than half of it is garbage. The default is 16 MiB. WithCompactFrom
// panics if size is negative.
func WithCompactFrom(size int64) Option {
	if size < 0 {
		panic(fmt.Sprintf("logstore: WithCompactFrom(%d): a size cannot be negative", size))
	}
	return option(func(c *config) { c.compactFrom = size })
}

// WithLockTimeout makes [Open] wait up to d for another process, or another
// Store of this one, to close the file. The default is not to wait. For a
// restart without downtime let the new process wait longer than the old one
// takes to shut down. WithLockTimeout panics if d is negative.
func WithLockTimeout(d time.Duration) Option {
	if d < 0 {
		panic(fmt.Sprintf("logstore: WithLockTimeout(%v): a timeout cannot be negative", d))
	}
	return option(func(c *config) { c.lockTimeout = d })
}

// WithStrictRecovery makes [Open] refuse a damaged file, with [ErrDamaged], and
// leave it as it is. A file is damaged too if it is empty, or if it is shorter
// than the lock file beside it says that it was, or gone. If you put an older
// copy in its place on purpose, remove the lock file.
//
// By default damage is skipped, logged and reported by [Store.Recovery]. A damaged
// end is what a crash or a power loss in the middle of a write leaves, and no caller
// has had an answer for what it held. Damage anywhere else may have held a log-out.
func WithStrictRecovery() Option {
	return option(func(c *config) { c.strict = true })
}

// WithLogger sets where the store reports damage that it has found, a file
// that it has to write again, and a compaction that failed. The default is
// [slog.Default].
func WithLogger(log *slog.Logger) Option {
	return option(func(c *config) { c.log = log })
}
