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

// Sync says when a saved session is made durable, that is, survives a power
// loss: [Always] or [Never]. The end of the process alone loses nothing in
// either mode. Deletions, saves with Durable set, by which a session is
// renewed, and saves that change a session's owner are durable before they are
// answered in both.
type Sync bool

const (
	// Always makes a session durable before Save returns.
	Always Sync = true

	// Never leaves it to the operating system when saved sessions become
	// durable. After a power loss those of the last minute or so may be as they
	// were before, gone, or damaged.
	Never Sync = false
)

// WithSync sets when saved sessions are made durable. The default is [Always].
func WithSync(s Sync) Option {
	return option(func(c *config) { c.sync = bool(s) })
}

// WithLogger sets where the store reports files that it skips because they hold
// no readable session: each once, as a warning. The default, also for nil, is
// [slog.Default] at the time of Open.
func WithLogger(l *slog.Logger) Option {
	return option(func(c *config) { c.log = l })
}
