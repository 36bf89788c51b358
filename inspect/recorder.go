package inspect

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sesame-go/sesame/internal/lifecycle"
	"github.com/sesame-go/sesame/store"
)

// An event is what the page keeps of a lifecycle.Event.
type event struct {
	lifecycle.Event
	Seq   uint64
	At    time.Time
	Error string
}

// A recorder keeps the latest events of each kind, and an hour of figures.
type recorder struct {
	keep   int
	health *health

	mu       sync.Mutex
	seq      uint64
	kinds    map[lifecycle.Kind]*ring
	minutes  minutes
	problems []problem
}

// A ring holds the latest events of a kind. It grows to its bound and then
// begins again at its start.
type ring struct {
	events []event
	next   int
}

// A problem is an error that happened, perhaps many times.
type problem struct {
	Kind        lifecycle.Kind
	Error       string
	Count       int
	First, Last time.Time
}

// maxProblems bounds how many different errors are kept, maxError how much of
// each.
const (
	maxProblems = 10
	maxError    = 500
)

func newRecorder(keep int, h *health) *recorder {
	return &recorder{keep: keep, health: h, kinds: map[lifecycle.Kind]*ring{}}
}

// record is called within every request of the program, so it does little.
func (r *recorder) record(e lifecycle.Event) { r.add(e, time.Now()) }

func (r *recorder) add(e lifecycle.Event, at time.Time) {
	kept := event{Event: e, At: at}
	kept.Owner, kept.Field = strings.Clone(e.Owner), strings.Clone(e.Field) // they may be a part of a whole session
	if kept.Err != nil {
		kept.Error = shorten(kept.Err.Error(), maxError)
		kept.Err = nil // it may hold on to much
	}
	r.health.event(kept)

	r.mu.Lock()
	defer r.mu.Unlock()
	r.seq++
	kept.Seq = r.seq
	of := r.kinds[e.Kind]
	if of == nil {
		of = new(ring)
		r.kinds[e.Kind] = of
	}
	of.put(kept, r.keep)
	r.minutes.count(kept)
	if kept.Error != "" {
		r.notice(kept)
	}
}

func (r *ring) put(e event, keep int) {
	if len(r.events) < keep {
		r.events = append(r.events, e)
		return
	}
	r.events[r.next] = e
	r.next = (r.next + 1) % keep
}

// latest yields the events of the ring, the newest first.
func (r *ring) latest(yield func(*event) bool) {
	for n := range len(r.events) {
		at := (r.next - 1 - n + 2*len(r.events)) % len(r.events)
		if !yield(&r.events[at]) {
			return
		}
	}
}

// notice counts an error with those that read the same.
func (r *recorder) notice(e event) {
	for i := range r.problems {
		if p := &r.problems[i]; p.Kind == e.Kind && p.Error == e.Error {
			p.Count, p.Last = p.Count+1, e.At
			return
		}
	}
	if len(r.problems) == maxProblems {
		oldest := slices.MinFunc(r.problems, func(a, b problem) int { return a.Last.Compare(b.Last) })
		r.problems = slices.DeleteFunc(r.problems, func(p problem) bool { return p == oldest })
	}
	r.problems = append(r.problems, problem{e.Kind, e.Error, 1, e.At, e.At})
}

// errors returns the different errors, the latest first.
func (r *recorder) errors() []problem {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Clone(r.problems)
	slices.SortFunc(all, func(a, b problem) int { return b.Last.Compare(a.Last) })
	return all
}

// A query says which events are asked for.
type query struct {
	kinds []lifecycle.Kind // none: all
	key   store.Key        // zero: of any session
	owner string           // "": of any owner
	after uint64           // later than this one
}

func (q *query) matches(e *event) bool {
	return (q.key == store.Key{} || q.key == e.Key) && (q.owner == "" || q.owner == e.Owner)
}

// find returns the latest events, the newest first, limit at most, whether there
// were more, and the number of the last event of all.
func (r *recorder) find(q query, limit int) (found []event, more bool, last uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for kind, of := range r.kinds {
		if len(q.kinds) > 0 && !slices.Contains(q.kinds, kind) {
			continue
		}
		n := 0
		for e := range of.latest {
			if e.Seq <= q.after || n > limit {
				break
			}
			if q.matches(e) {
				found = append(found, *e)
				n++
			}
		}
	}
	slices.SortFunc(found, func(a, b event) int { return cmp.Compare(b.Seq, a.Seq) })
	if more = len(found) > limit; more {
		found = found[:limit]
	}
	return found, more, r.seq
}

// ownerOf returns the owner that events tell of a session, "" if none does.
func (r *recorder) ownerOf(k store.Key) string {
	found, _, _ := r.find(query{key: k}, r.keep)
	for _, e := range found {
		if e.Owner != "" {
			return e.Owner
		}
	}
	return ""
}
