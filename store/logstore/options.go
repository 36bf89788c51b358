package logstore

import (
	"fmt"
	"log/slog"
	"time"
)

// An Option changes a default of [Open].
type Option func(*config)

type config struct {
	sync        Sync
	max         int
	compactFrom int64
	lockTimeout time.Duration
	strict      bool
	log         *slog.Logger
}

const (
	defaultMaxSessions = 1_000_000
	defaultCompactFrom = 16 << 20
)

func newConfig(opts []Option) config {
	c := config{max: defaultMaxSessions, compactFrom: defaultCompactFrom}
	for _, opt := range opts {
		opt(&c)
	}
	if c.log == nil {
		c.log = slog.Default()
	}
	return c
}

// Sync says when a saved session is made durable, that is, survives the end of
// the power: [Always], [Never] or an [Interval]. The end of the process alone
// loses nothing in any mode. Deletes, of one session or all of an owner, and
// rotations are always durable before they are answered.
type Sync time.Duration

const (
	// Always makes a session durable before Save returns. Saves that wait at
	// the same time share one fsync.
	Always Sync = 0

	// Never leaves it to the operating system when saved sessions become
	// durable, which often takes half a minute, unless a delete, a rotation
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

// WithSync sets when saved sessions are made durable, [Always] by default. It
// panics if s is none of Always, Never and an [Interval].
func WithSync(s Sync) Option {
	if s < Never {
		panic(fmt.Sprintf("logstore: WithSync(%d): take Always, Never or Interval", s))
	}
	return func(c *config) { c.sync = s }
}

// WithMaxSessions bounds the number of sessions to n, one million by default.
//
// When the store is full, each new session takes the place of another: of the
// one that expired first or, if none has expired, of the session without an
// owner that is nearest to its expiry. Sessions with an owner are never
// dropped. If all have one, saving a new session fails with
// [github.com/sesame-go/sesame/store.ErrFull]. Sessions that are in the file
// when it is opened are all kept, even if there are more than n.
//
// WithMaxSessions panics if n is not positive.
func WithMaxSessions(n int) Option {
	if n <= 0 {
		panic(fmt.Sprintf("logstore: WithMaxSessions(%d): the bound must be positive; "+
			"leave the option out for the default of %d", n, defaultMaxSessions))
	}
	return func(c *config) { c.max = n }
}

// WithCompactFrom sets from which size on, in bytes, the file is compacted
// when more than half of it is garbage: 16 MiB by default. It panics if size
// is negative.
func WithCompactFrom(size int64) Option {
	if size < 0 {
		panic(fmt.Sprintf("logstore: WithCompactFrom(%d): a size cannot be negative", size))
	}
	return func(c *config) { c.compactFrom = size }
}

// WithLockTimeout makes [Open] wait up to d for another process, or another
// Store of this one, to close the file. By default it does not wait. For a
// restart without downtime let the new process wait longer than the old one
// takes to shut down. WithLockTimeout panics if d is negative.
func WithLockTimeout(d time.Duration) Option {
	if d < 0 {
		panic(fmt.Sprintf("logstore: WithLockTimeout(%v): a timeout cannot be negative", d))
	}
	return func(c *config) { c.lockTimeout = d }
}

// WithStrictRecovery makes [Open] refuse a damaged file, with [ErrDamaged], and
// leave it as it is. By default damage is skipped, logged and told by
// [Store.Recovery]: after the process or the power ended in the middle of a
// write, a damaged end is what one has to expect, and nothing in it had been
// answered. Damage anywhere else may have held a log-out.
func WithStrictRecovery() Option {
	return func(c *config) { c.strict = true }
}

// WithLogger sets where the store reports damage that it has found, a failed
// fsync, and a compaction that failed: [slog.Default] by default.
func WithLogger(log *slog.Logger) Option {
	return func(c *config) { c.log = log }
}
