package redisstore

import (
	"fmt"
	"time"
)

// Option changes a default of [New].
type Option interface{ apply(*config) }

type option func(*config)

func (o option) apply(c *config) { o(c) }

type config struct {
	prefix string
	now    func() time.Time
}

// maxPrefix bounds a prefix: every key that the server keeps begins with it.
const maxPrefix = 64

// WithPrefix sets what all keys of the store begin with. The default is
// "sesame:". Stores with different prefixes on one server have nothing to do with
// each other, as long as no prefix begins with another one.
//
// A prefix has 1 to 64 printable ASCII characters. WithPrefix panics if it has
// another character, or one that has a meaning in patterns (* ? [ ] ^ \), since
// SCAN would find other programs' keys, or a brace, since a cluster keeps all
// keys with the same {…} on one node.
func WithPrefix(prefix string) Option {
	if prefix == "" || len(prefix) > maxPrefix {
		panic(fmt.Sprintf("redisstore: WithPrefix(%.100q): a prefix has 1 to %d characters; try \"sesame:\"", prefix, maxPrefix))
	}
	for _, c := range []byte(prefix) {
		switch {
		case c <= ' ' || c > '~':
			panic(fmt.Sprintf("redisstore: WithPrefix(%q): a prefix has printable ASCII characters and no blanks; try \"sesame:\"", prefix))
		case c == '*' || c == '?' || c == '[' || c == ']' || c == '^' || c == '\\':
			panic(fmt.Sprintf("redisstore: WithPrefix(%q): %q has a meaning in patterns; use letters, digits and colons", prefix, c))
		case c == '{' || c == '}':
			panic(fmt.Sprintf("redisstore: WithPrefix(%q): braces would keep all sessions on one node of a cluster; leave them out", prefix))
		}
	}
	return option(func(c *config) { c.prefix = prefix })
}

// WithClock sets the clock that decides whether a session has expired. The
// default is [time.Now]. It is for tests.
//
// WithClock panics if the clock is nil.
func WithClock(now func() time.Time) Option {
	if now == nil {
		panic("redisstore: WithClock(nil): leave the option out to use time.Now")
	}
	return option(func(c *config) { c.now = now })
}
