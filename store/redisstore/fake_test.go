package redisstore

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"strings"
	"sync"

	"github.com/sesame-go/sesame/store"
)

// A fake is a Conn that does by hand what the scripts do, as far as these tests
// need it. Whether the scripts do it is tested with real servers.
type fake struct {
	reply  func(script, reply string) (string, error) // if set, changes the replies
	forget bool                                       // the scripts are not known by their names

	mu     sync.Mutex
	values map[string]string
	index  map[string]int64 // of the one owner that these tests have
	calls  []string
	trips  int

	channel string
	changed func(key string)
}

func newFake() *fake {
	return &fake{values: make(map[string]string), index: make(map[string]int64)}
}

var names = func() map[string]string {
	names := make(map[string]string)
	for script, name := range map[*script]string{
		save: "save", touch: "touch", remove: "remove", removeOwned: "removeOwned",
		read: "read", enlist: "enlist", page: "page", ping: "ping",
	} {
		names["EVALSHA"+script.sha1()] = name
		names["EVAL"+script.text] = name
	}
	return names
}()

func (f *fake) Get(_ context.Context, key string) (string, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, "get")
	f.trips++
	value, found := f.values[key]
	return value, found, nil
}

func (f *fake) Run(_ context.Context, calls ...Call) []Reply {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trips++
	replies := make([]Reply, len(calls))
	for i, c := range calls {
		if f.forget && c.Command == "EVALSHA" {
			replies[i].Err = errors.New("NOSCRIPT No matching script")
			continue
		}
		name := names[c.Command+c.Script]
		f.calls = append(f.calls, name)
		replies[i].Text = f.do(name, c.Key, c.Args)
		if f.reply != nil {
			replies[i].Text, replies[i].Err = f.reply(name, replies[i].Text)
		}
	}
	return replies
}

func (f *fake) do(name, key string, args []string) string {
	value, found := f.values[key]
	status, rest := "+", ""
	switch name {
	case "save":
		f.values[key] = args[2]
	case "remove":
		delete(f.values, key)
	case "removeOwned":
		if !found || !strings.Contains(value, args[1]) {
			status = "-"
		}
		delete(f.values, key)
	case "enlist":
		f.index[args[1]], _ = strconv.ParseInt(args[2], 10, 64)
	case "page":
		for k, score := range f.index {
			rest += eight(uint64(score)) + "\x00\x00\x00" + string(rune(len(k))) + k
		}
	case "read":
		if rest = value; !found {
			status = "-"
		}
	}
	return status + args[0] + rest
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

func (f *fake) Subscribe(_ context.Context, channel string, changed func(string)) (<-chan struct{}, error) {
	f.channel, f.changed = channel, changed
	return make(chan struct{}), nil
}

// log returns which scripts have run since the last time.
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
