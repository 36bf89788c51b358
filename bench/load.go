package bench

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
)

// Load is a number of clients that do the same, each with a session of its own.
type Load struct {
	site    Site
	op      Op
	workers []*worker
	marks   []Client // for Together
	dumps   Client
	next    []string // cookies of sessions without marks
}

type worker struct {
	client Client
	cookie string
}

// NewLoad opens clients and signs them in where op needs that.
func NewLoad(s Site, op Op, clients int) *Load {
	l := &Load{site: s, op: op}
	if op == Together {
		for i := range Parallel {
			l.marks = append(l.marks, s.Client(opMark(i)))
		}
		l.dumps = s.Client(opDump)
		return l
	}
	for range clients {
		w := &worker{client: s.Client(op)}
		if op != NoCookie && op != Create {
			w.cookie = SignIn(s)
		}
		l.workers = append(l.workers, w)
	}
	return l
}

// Prepare makes what n operations use up. It is not measured.
func (l *Load) Prepare(n int) {
	if l.op != Together {
		return
	}
	signIn := l.site.Client(Create)
	for len(l.next) < n {
		signIn.Do("")
		l.next = append(l.next, signIn.Cookie())
	}
}

// Run does n operations, shared among the clients. It panics if a response is
// not 200 OK.
func (l *Load) Run(n int) {
	if l.op == Together {
		for range n {
			cookie := l.next[len(l.next)-1]
			l.next = l.next[:len(l.next)-1]
			l.together(cookie)
		}
		return
	}
	if len(l.workers) == 1 {
		for range n {
			l.workers[0].do(l.op)
		}
		return
	}
	shared(len(l.workers), n, func(i int) { l.workers[i].do(l.op) })
}

// shared does n operations with as many workers. The work is not divided beforehand,
// so that a slow worker does not keep the others waiting.
func shared(workers, n int, do func(worker int)) {
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				do(i)
			}
		})
	}
	wg.Wait()
}

func (w *worker) do(op Op) {
	w.client.Do(w.cookie)
	if status := w.client.Status(); status != http.StatusOK {
		panic(fmt.Sprintf("bench: %s: status %d", op, status))
	}
	if op == Renew {
		if cookie := w.client.Cookie(); cookie != "" {
			w.cookie = cookie
		}
	}
}

func (l *Load) together(cookie string) {
	var wg sync.WaitGroup
	for _, c := range l.marks {
		wg.Go(func() { c.Do(cookie) })
	}
	wg.Wait()
}

// Survivors returns how many marks of ten requests are in the session that a
// browser has afterwards.
func (l *Load) Survivors() int {
	l.Prepare(1)
	cookie := l.next[0]
	l.next = l.next[1:]
	l.together(cookie)
	for _, c := range l.marks {
		if c.Cookie() != "" {
			cookie = c.Cookie()
		}
	}
	l.dumps.Do(cookie)
	return marksIn(l.dumps.Body())
}
