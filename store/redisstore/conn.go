package redisstore

import (
	"context"
	"crypto/fips140"
	"crypto/sha1"
	"encoding/hex"
	"iter"
	"sync"
)

// A Conn is a client of Redis, as far as a [Store] needs one. The modules
// redisstore/goredis and redisstore/rueidis have one for the client that their
// name tells. What it takes to write another is here.
//
// All methods are safe for concurrent use, and the store makes use of that: it
// calls them from up to 64 goroutines to walk through many sessions, so a Conn
// that sends in one round trip what waits together is the faster for it.
//
// Keys, arguments and values are arbitrary bytes, also NUL and bytes that are
// no UTF-8, and go over the wire as they are. Every call has one key; in a
// cluster it says which node is meant, and a Conn follows MOVED and ASK. All
// calls are for the primary: a replica may not know yet that a session has
// been logged out.
//
// An error that the server replies with comes back with the server's text in
// its Error, unchanged, such as "WRONGTYPE Operation against …"; it may be
// wrapped. Nothing else than a missing key is reported as a missing key. When
// ctx ends a call returns soon, with the context's error; if the server has
// not been sent the command yet, it must not be later on.
type Conn interface {
	// Get does GET. The value of a key that does not exist is "", false. A Conn
	// that keeps values in a cache says so, and how old they can be.
	Get(ctx context.Context, key string) (value string, found bool, err error)

	// Run has the server run a script with one key and some arguments, and
	// returns its reply, which is always a string. It does EVALSHA with
	// script.SHA1 and, if the error begins with NOSCRIPT, EVAL with
	// script.Source: servers forget scripts when they restart, after a
	// failover and at SCRIPT FLUSH.
	//
	// A script that is not ReadOnly is never sent again when its reply did not
	// come, since the server may have run it: the second time a
	// compare-and-swap would find the result of the first. Many clients do send
	// it again, unless told not to. To follow a redirection is no such case.
	Run(ctx context.Context, script *Script, key string, args ...string) (reply string, err error)

	// Scan yields the keys that match a pattern, by SCAN with some COUNT of its
	// own on every primary, as many pages as the caller wants. A key that is
	// there all the time is yielded once or more. An error is yielded last.
	Scan(ctx context.Context, pattern string) iter.Seq2[string, error]
}

// A Script is one of the Lua scripts that a [Store] has its server run. They
// are for a [Conn] to hand on.
type Script struct {
	source   string
	readOnly bool
	sha1     func() string
}

func newScript(source string, readOnly bool) *Script {
	return &Script{source: source, readOnly: readOnly, sha1: sync.OnceValue(func() (name string) {
		// It is what Redis calls the script, and protects nothing.
		fips140.WithoutEnforcement(func() {
			sum := sha1.Sum([]byte(source))
			name = hex.EncodeToString(sum[:])
		})
		return name
	})}
}

// Source returns the text of the script, for EVAL.
func (s *Script) Source() string { return s.source }

// SHA1 returns the name of the script, for EVALSHA: 40 hexadecimal digits.
func (s *Script) SHA1() string { return s.sha1() }

// ReadOnly reports whether the script changes nothing, and so may be sent
// again when its reply did not come. It still has to be run by the primary.
func (s *Script) ReadOnly() bool { return s.readOnly }
