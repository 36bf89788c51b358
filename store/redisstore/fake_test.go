package redisstore

import (
	"context"
	"iter"
	"strconv"
	"strings"
	"sync"

	"github.com/sesame-go/sesame/store"
)

// A fake is a Conn that does by hand what the scripts do, as far as these tests
// need it; whether the scripts do it is tested with real servers. If they are
// there, before and after are called ahead of each script and behind it, and
// reply changes its reply.
type fake struct {
	before func(script, key string)
	after  func(script, key string)
	reply  func(script, reply string) (string, error)

	mu     sync.Mutex
	values map[string]string
	index  map[string]int64 // of the one owner that these tests have
	calls  []string
}

func newFake() *fake {
	return &fake{values: make(map[string]string), index: make(map[string]int64)}
}

var names = map[*Script]string{
	save: "save", touch: "touch", remove: "remove", removeOwned: "removeOwned",
	read: "read", enlist: "enlist", page: "page", ping: "ping",
}

func (f *fake) Get(_ context.Context, key string) (string, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, "get")
	value, found := f.values[key]
	return value, found, nil
}

func (f *fake) Run(_ context.Context, script *Script, key string, args ...string) (string, error) {
	name := names[script]
	if f.before != nil {
		f.before(name, key)
	}
	if f.after != nil {
		defer f.after(name, key)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, name)
	reply := "+" + args[0] + f.do(name, key, args)
	if name == "removeOwned" {
		if value, found := f.values[key]; !found || !strings.Contains(value, args[1]) {
			reply = "-" + args[0]
		}
		delete(f.values, key)
	}
	if f.reply != nil {
		return f.reply(name, reply)
	}
	return reply, nil
}

func (f *fake) do(name, key string, args []string) (rest string) {
	switch name {
	case "save":
		f.values[key] = args[2]
	case "remove":
		delete(f.values, key)
	case "enlist":
		f.index[args[1]], _ = strconv.ParseInt(args[2], 10, 64)
	case "page":
		for k, score := range f.index {
			rest += eight(uint64(score)) + k
		}
	case "read":
		rest = f.values[key]
	}
	return rest
}

func (f *fake) Scan(_ context.Context, pattern string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for key := range f.values {
			if strings.HasPrefix(key, strings.TrimSuffix(pattern, "*")) && !yield(key, nil) {
				return
			}
		}
	}
}

// log returns what the fake was called for since the last time.
func (f *fake) log() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() { f.calls = nil }()
	return strings.Join(f.calls, " ")
}

// status lets the replies to a script begin with other letters, one after the
// other, and then as they are.
func (f *fake) status(script, letters string) {
	f.reply = func(name, reply string) (string, error) {
		if name == script && letters != "" {
			reply, letters = letters[:1]+reply[1:9]+"ann", letters[1:]
		}
		return reply, nil
	}
}

// value returns what is kept under a session's key.
func (f *fake) value(s *Store, k store.Key) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.values[s.key(k)]
}
