package natsstore

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Option changes a default of [Open].
type Option interface{ apply(*config) }

type option func(*config)

func (o option) apply(c *config) { o(c) }

type config struct {
	bucket   string
	replicas int // 0 is whatever the bucket has
	storage  jetstream.StorageType
	clock    func() time.Time
}

func newConfig(opts []Option) config {
	c := config{bucket: "sesame", storage: jetstream.FileStorage, clock: time.Now}
	for _, o := range opts {
		if o == nil {
			panic("natsstore: Open: an option is nil; leave it out")
		}
		o.apply(&c)
	}
	return c
}

// WithBucket names the key-value bucket, "sesame" by default: 1 to 64 letters
// of ASCII, digits, underscores and hyphens. Applications that share an account
// of a NATS system have a bucket each.
//
// WithBucket panics if the name has another form.
func WithBucket(name string) Option {
	if err := checkBucket(name); err != nil {
		panic(err.Error())
	}
	return option(func(c *config) { c.bucket = name })
}

// WithReplicas sets on how many servers of a cluster the bucket is kept, 1 to
// 5; 3 survives the loss of one server, 5 of two. By default a new bucket has
// one replica, and a bucket that exists may have any number; with the option [Open]
// refuses a bucket that has another number.
//
// WithReplicas panics if n is out of range.
func WithReplicas(n int) Option {
	if n < 1 || n > 5 {
		panic(fmt.Sprintf("natsstore: WithReplicas(%d): NATS keeps 1 to 5 replicas; take an odd number", n))
	}
	return option(func(c *config) { c.replicas = n })
}

// WithMemoryStorage keeps the bucket in the memory of the servers, and not in
// files as is the default. Sessions are gone when the last server that has them
// stops; the store then goes on with an empty bucket.
func WithMemoryStorage() Option {
	return option(func(c *config) { c.storage = jetstream.MemoryStorage })
}

// WithClock sets the clock by which it is judged whether a session has
// expired, [time.Now] by default. It is for tests.
//
// WithClock panics if now is nil.
func WithClock(now func() time.Time) Option {
	if now == nil {
		panic("natsstore: WithClock(nil): leave the option out for time.Now")
	}
	return option(func(c *config) { c.clock = now })
}

// maxBucket leaves room for the prefixes of streams and subjects.
const maxBucket = 64

func checkBucket(name string) error {
	if len(name) == 0 || len(name) > maxBucket {
		return fmt.Errorf("natsstore: bucket name %.100q: a name has 1 to %d characters", name, maxBucket)
	}
	for _, c := range []byte(name) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && c != '_' && c != '-' {
			return fmt.Errorf("natsstore: bucket name %.100q: a name has letters of ASCII, digits, underscores and hyphens", name)
		}
	}
	return nil
}
