package redisstore

import (
	"context"
	"iter"
)

// Conn is a Redis client, as far as a [Store] needs one. The modules
// redisstore/goredis and redisstore/rueidis implement it for the clients they
// are named after; what another implementation needs to know is here.
//
// All methods are safe for concurrent use.
//
// Keys, arguments and values are arbitrary bytes, including NUL and invalid
// UTF-8, and go over the wire unchanged. Each command has one key. In a cluster
// the key selects the node, and a Conn follows MOVED and ASK. All commands go to
// a primary: a replica may not know yet that a session has ended.
//
// An error reply comes back with the server's text in its Error, such as
// "WRONGTYPE Operation against …"; it may be wrapped. Only a missing key is
// reported as a missing key. When ctx ends a call returns soon, with the
// context's error, and a command that has not been sent by then is never sent.
type Conn interface {
	// Get sends GET. For a key that does not exist it returns "", false. A Conn
	// that caches values documents it, and how old they can be.
	Get(ctx context.Context, key string) (value string, found bool, err error)

	// Run sends the commands, those for one node in one round trip if it can,
	// and returns a reply for each, in their order. The commands are
	// independent of each other and may take effect in any order.
	//
	// A command with Writes is never sent again after its reply failed to
	// arrive: the server may have run it, and the second run of a
	// compare-and-swap finds the result of the first. Many clients resend unless
	// told not to. Following a redirection is not resending.
	Run(ctx context.Context, calls ...Call) []Reply

	// Scan yields the keys that match a pattern, by SCAN on every primary, as
	// far as the caller consumes them. A key that exists during the whole walk
	// is yielded at least once. An error is yielded last.
	Scan(ctx context.Context, pattern string) iter.Seq2[string, error]

	// Subscribe returns once it is subscribed to a channel on every primary. From
	// then on it calls changed with each message, which is the key of a value that
	// has changed; a Conn that caches values no longer answers from its cache for
	// that key. In a cluster one message may come from each primary.
	//
	// When ctx ends or one of the connections is lost, Subscribe closes done and
	// ends. It must notice a connection that hangs, and must not subscribe again
	// by itself, as many clients do: the caller has to know that messages may be
	// missing. A Conn without subscriptions returns errors.ErrUnsupported.
	Subscribe(ctx context.Context, channel string, changed func(key string)) (done <-chan struct{}, err error)
}

// Call is a command that runs a Lua script with one key. On the wire it is
// Command, Script, "1", Key and then Args.
type Call struct {
	Command string // "EVALSHA" or "EVAL"
	Script  string // the script's SHA-1 in hexadecimal, or its text
	Key     string
	Args    []string
	Writes  bool // the script changes something: see [Conn.Run]
}

// Reply is what came back for a [Call]: the script's reply, always a string, or
// an error.
type Reply struct {
	Text string
	Err  error
}
