package main

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"time"
)

// setup is all that a simulation depends on. Equal setups give equal results.
type setup struct {
	workload
	engine   *engine
	nodes    int
	rtt      time.Duration // from program to engine and back
	requests int           // how many to simulate
	seed     uint64
	crash    bool // node 0 dies after three fifths of the time
	endless  bool // no queueing: to learn how much work there is
}

// window is the time that is simulated.
func (c *setup) window() time.Duration {
	return time.Duration(float64(c.requests) / c.rps * float64(time.Second))
}

// simulation runs events in order of time. An event is a function; it may add
// others, of now or later.
type simulation struct {
	setup
	now      time.Duration
	events   queue
	added    int
	rand     *rand.Rand
	nodes    []*node
	service  [ops]time.Duration
	flush    time.Duration
	sessions map[uint64]*session
	fresh    uint64 // keys of new sessions
	crashAt  time.Duration
	tail     []acknowledged
	result   result
}

type event struct {
	at    time.Duration
	order int
	do    func()
}

type queue []event

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last].do = nil
	*q = (*q)[:last]
	return e
}

// after does something in a while.
func (s *simulation) after(d time.Duration, do func()) {
	s.added++
	heap.Push(&s.events, event{s.now + d, s.added, do})
}

func simulationOf(c setup) *simulation {
	s := &simulation{
		setup:    c,
		rand:     rand.New(rand.NewPCG(c.seed, 0)),
		sessions: map[uint64]*session{},
		fresh:    uint64(c.workload.sessions) + 1,
		crashAt:  math.MaxInt64,
		flush:    micros(c.engine.get("flush")),
	}
	for range c.nodes {
		s.nodes = append(s.nodes, newNode(int(c.engine.get("cores"))))
	}
	for o := range ops {
		s.service[o] = micros(c.engine.get(o.String()))
	}
	return s
}

func (c setup) run() *result {
	s := simulationOf(c)
	if c.crash {
		s.crashAt = c.window() * 3 / 5
		s.after(s.crashAt, func() { s.nodes[0].dead = true })
	}
	s.arrive()
	for len(s.events) > 0 {
		e := heap.Pop(&s.events).(event)
		s.now = e.at
		e.do()
	}
	return s.finish()
}

// arrive lets a page's requests come, and the next page after it.
func (s *simulation) arrive() {
	pages := s.rps / float64(s.burst)
	s.after(s.spread(time.Duration(float64(time.Second)/pages)), func() {
		if s.result.In+s.burst > s.requests {
			return
		}
		page, wait := s.session(s.rank(s.rand)), time.Duration(0)
		for i := range s.burst {
			if i > 0 {
				wait += s.spread(s.gap)
			}
			s.result.In++
			s.after(wait, func() { s.begin(page) })
		}
		s.arrive()
	})
}

// spread draws from the exponential distribution.
func (s *simulation) spread(mean time.Duration) time.Duration {
	return time.Duration(s.rand.ExpFloat64() * float64(mean))
}

// session returns one as it is in mid-life when it is seen for the first time.
func (s *simulation) session(rank uint64) *session {
	x := s.sessions[rank]
	if x == nil || x.gone {
		x = &session{key: rank, owned: s.rand.Float64() < s.owned, phase: s.rand.Float64()}
		x.written = s.now - s.age(s.rand, s.pages(rank))
		s.sessions[rank] = x
	}
	return x
}

// call sends a command to the node that has the key. When it is its turn there
// the effect takes place; the answer is then with the program half a round
// trip after the node is done.
func (s *simulation) call(o op, key uint64, r *request, effect func(), then func(ok bool)) {
	s.after(s.rtt/2, func() {
		n := s.nodes[owner(key, len(s.nodes))]
		if n.dead {
			s.after(s.rtt/2, func() { then(false) })
			return
		}
		up, down := s.engine.traffic(o, s.size)
		n.ops[o]++
		n.up += up
		n.down += down
		done := s.now + s.service[o]
		if s.endless {
			n.busy += s.service[o]
		} else {
			done = n.serve(s.now, s.service[o])
		}
		if effect != nil {
			effect()
		}
		if o.writes() {
			done += s.flush
		}
		s.after(done-s.now+s.rtt/2, func() {
			answered := done <= s.crashAt || n != s.nodes[0]
			if answered && o.writes() && n == s.nodes[0] && done > s.crashAt-s.lag() {
				s.tail = append(s.tail, acknowledged{r, o})
			}
			then(answered)
		})
	})
}

// lag is how far replication is behind, at most the time before the crash.
func (s *simulation) lag() time.Duration {
	return time.Duration(s.engine.get("lag") * float64(time.Millisecond))
}

func micros(n float64) time.Duration { return time.Duration(n * float64(time.Microsecond)) }
