package adaptertest

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sesame-go/sesame/adapter"
)

// A wrong adapter does one thing that the suite must notice.
type wrong struct {
	name     string
	alter    func(*toy)
	caughtBy string // the cases, by comma
}

var wrongs = []wrong{
	{"loads every session", func(y *toy) {
		y.call = func(x *exchange, handler func()) { x.Call(func() { x.sessions.Get(x); handler() }) }
	}, "untouched"},
	{"gives no token", func(y *toy) {
		y.begin = func(x *exchange) { x.Begin(make(http.Header), false) }
	}, "first visit"},
	{"gives the token alone", func(y *toy) {
		y.begin = filtered(func(x *exchange, name string, values []string) {
			if name == "Set-Cookie" {
				x.reply.header[name] = values
			}
		})
	}, "first visit,read and change"},
	{"gives a token to those alone that have none", func(y *toy) {
		y.begin = func(x *exchange) {
			if len(x.request.Cookies()) == 0 {
				x.Begin(x.reply.header, false)
			}
		}
	}, "log-in,log-out"},
	{"deletes no token", func(y *toy) {
		y.begin = filtered(func(x *exchange, name string, values []string) {
			if !strings.Contains(values[0], "Max-Age=0") {
				x.reply.header[name] = values
			}
		})
	}, "log-out"},
	{"adds to the handler's header", func(y *toy) {
		y.begin = filtered(func(x *exchange, name string, values []string) {
			x.reply.header[name] = append(x.reply.header[name], values...)
		})
	}, "handler's header"},
	{"overwrites the handler's header", func(y *toy) {
		y.begin = filtered(func(x *exchange, name string, values []string) { x.reply.header[name] = values })
	}, "handler's header,two managers"},
	{"lets no response be cached", func(y *toy) {
		y.begin = func(x *exchange) {
			x.Begin(x.reply.header, false)
			x.reply.header["Cache-Control"] = []string{"no-store"}
		}
	}, "untouched,handler's header"},
	{"reads one line", func(y *toy) {
		y.lines = func(r *http.Request, field string) []string {
			return r.Header.Values(field)[:min(1, len(r.Header.Values(field)))]
		}
	}, "token in the second line"},
	{"tells nothing of the request", func(y *toy) {
		y.http = func(r *http.Request) *http.Request { return &http.Request{Header: r.Header} }
	}, "another library's session"},
	{"uses memory again", func(y *toy) {
		var latest atomic.Pointer[[]string]
		y.lines = func(r *http.Request, field string) []string {
			lines := make([]string, 1) // the session keeps it until it loads
			if own := r.Header.Values(field); len(own) > 0 {
				lines[0] = own[0]
			}
			if before := latest.Swap(&lines); before != nil {
				(*before)[0] = lines[0]
			}
			return lines
		}
	}, "many clients"},
	{"serves one request at a time", func(y *toy) {
		y.around = func(next handler) handler {
			turn := make(chan struct{}, 1)
			return func(ctx context.Context, r *http.Request, w *reply) {
				turn <- struct{}{}
				defer func() { <-turn }()
				next(ctx, r, w)
			}
		}
	}, "concurrent changes"},
	{"takes another manager for its own", func(y *toy) {
		y.within = func(ctx context.Context, _ adapter.Manager) bool { _, ok := ctx.(*exchange); return ok }
	}, "two managers"},
	{"begins twice", func(y *toy) {
		y.within = func(context.Context, adapter.Manager) bool { return false }
	}, "mounted twice"},
	{"hides what is around it", func(y *toy) {
		y.hide = func(context.Context) context.Context { return context.Background() }
	}, "one cookie for two managers,two managers"},
	{"saves nothing", func(y *toy) { y.commit = func(*exchange) error { return nil } }, "first visit,read and change"},
	{"saves new sessions alone", func(y *toy) {
		y.commit = func(x *exchange) error {
			if x.sessions.Info(x).New {
				return x.Commit(false)
			}
			return nil
		}
	}, "read and change"},
	{"gives a token of what it has saved itself alone", func(y *toy) {
		y.begin = func(*exchange) {}
		y.commit = func(x *exchange) error {
			fresh := x.sessions.Info(x).New
			err := x.Commit(false)
			if fresh {
				x.Begin(x.reply.header, false)
			}
			return err
		}
	}, "goroutine"},
	{"saves with 200 alone", func(y *toy) {
		y.commit = func(x *exchange) error { return x.Commit(x.reply.status != 200) }
	}, "flash over a redirect,not found"},
	{"saves whatever the status", func(y *toy) { y.commit = func(x *exchange) error { return x.Commit(false) } }, "error"},
	{"settles nothing with an error", func(y *toy) {
		y.commit = func(x *exchange) error {
			if x.reply.status >= 500 {
				return nil
			}
			return x.Commit(false)
		}
	}, "log-out and error"},
	{"gives no token with an error", func(y *toy) {
		y.begin = func(x *exchange) {
			if x.reply.status < 500 {
				x.Begin(x.reply.header, false)
			}
		}
	}, "saved before an error"},
	{"gives no token after a panic", func(y *toy) { y.panicked = func(x *exchange) { x.reply.reset() } }, "saved before a panic"},
	{"saves after a panic", func(y *toy) {
		y.call = func(x *exchange, handler func()) {
			defer func() { _ = x.Commit(false) }()
			handler()
		}
	}, "panic"},
	{"lets the panic of a failed load go on", func(y *toy) { y.call = func(_ *exchange, handler func()) { handler() } }, "store down"},
	{"ignores a failure", func(y *toy) {
		y.commit = func(x *exchange) error { _ = x.Commit(false); return nil }
	}, "store down,failed save,failed log-in,failed save of a stream"},
	{"keeps the body", func(y *toy) {
		y.answer = func(w *reply, err error) { w.status, w.header = adapter.Status(err), make(http.Header) }
	}, "failed save"},
	{"keeps the header", func(y *toy) {
		y.answer = func(w *reply, err error) { w.status, w.body = adapter.Status(err), "" }
	}, "failed save"},
	{"has one status for all failures", func(y *toy) {
		y.answer = func(w *reply, _ error) { w.reset(); w.status = http.StatusServiceUnavailable }
	}, "failed log-in"},
	{"saves once", func(y *toy) { y.again = func(*exchange) error { return nil } }, "late change,late save fails"},
	{"begins in the end", func(y *toy) { y.flush = func(func()) {} }, "late session"},
}

// filtered has Begin fill another header, whose fields f takes over.
func filtered(f func(x *exchange, name string, values []string)) func(*exchange) {
	return func(x *exchange) {
		h := make(http.Header)
		x.Begin(h, false)
		for name, values := range h {
			f(x, name, values)
		}
	}
}

const variable = "SESAME_TEST_WRONG_ADAPTERS"

// TestWrong runs the suite with wrong adapters in a process of its own, where it
// must fail, and demands of each case that it notices one.
func TestWrong(t *testing.T) {
	if os.Getenv(variable) != "" {
		for _, w := range wrongs {
			for name := range strings.SplitSeq(w.caughtBy, ",") {
				i := slices.IndexFunc(cases, func(c scenario) bool { return c.name == name })
				t.Run(name+" "+w.name, func(t *testing.T) {
					y := newToy()
					w.alter(y)
					cases[i].run(newSite(t, Framework{Streams: true, Serve: y.serve, Request: get}, nil))
				})
			}
		}
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run", "^TestWrong$")
	cmd.Env = append(os.Environ(), variable+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatal("the suite finds no fault with wrong adapters")
	}
	for _, c := range cases {
		tried := false
		for _, w := range wrongs {
			if !slices.Contains(strings.Split(w.caughtBy, ","), c.name) {
				continue
			}
			tried = true
			if name := strings.ReplaceAll(c.name+" "+w.name, " ", "_"); !strings.Contains(string(out), "--- FAIL: TestWrong/"+name+" (") {
				t.Errorf("the case %q finds no fault with an adapter that %s", c.name, w.name)
			}
		}
		if !tried {
			t.Errorf("no wrong adapter tries the case %q", c.name)
		}
	}
	if t.Failed() {
		t.Logf("%s", out)
	}
}
