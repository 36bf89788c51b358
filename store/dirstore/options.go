package dirstore

import "log/slog"

// An Option changes a default of [Open].
type Option interface{ apply(*config) }

type option func(*config)

func (o option) apply(c *config) { o(c) }

type config struct {
	sync bool
	log  *slog.Logger
}

// WithSync says whether Save makes a session durable before it returns, so that
// it survives a power loss. The default is true.
//
// Without it a crash of the process still loses nothing, but after a power loss
// the sessions saved in the last minute or so may be as they were before, gone,
// or damaged. Deletions, saves of a record with Durable set, and saves that
// change a session's owner are durable regardless.
func WithSync(on bool) Option {
	return option(func(c *config) { c.sync = on })
}

// WithLogger sets where the store reports files that it skips because they hold
// no readable session: each once, as a warning. The default, also for nil, is
// [slog.Default] at the time of Open.
func WithLogger(l *slog.Logger) Option {
	return option(func(c *config) { c.log = l })
}
