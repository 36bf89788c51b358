package inspect

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"time"

	"github.com/sesame-go/sesame/internal/lifecycle"
)

// span is how many minutes are kept; the last is not over yet.
const span = 60

// minutes has the figures of the last hour, by the minute of Unix time.
type minutes struct{ slots [span]minute }

type minute struct {
	at     int64 // in minutes since 1970
	kinds  map[lifecycle.Kind]int
	fields map[string]int // conflicts
	took   [operations]*latency
}

// maxFields bounds how many fields are told apart in a minute. Struct types have
// few, but a path may have the key of a map in it.
const maxFields = 100

func (m *minutes) slot(now time.Time) *minute {
	at := now.Unix() / 60
	s := &m.slots[at%span]
	if s.at != at {
		*s = minute{at: at, kinds: map[lifecycle.Kind]int{}, fields: map[string]int{}}
	}
	return s
}

func (m *minutes) count(e event) {
	s := m.slot(e.At)
	s.kinds[e.Kind] += max(1, e.Count)
	if e.Kind == lifecycle.Conflict && (len(s.fields) < maxFields || s.fields[e.Field] > 0) {
		s.fields[e.Field]++
	}
	if op, ok := operationOf[e.Kind]; ok && e.Duration > 0 {
		if s.took[op] == nil {
			s.took[op] = new(latency)
		}
		s.took[op].add(e.Duration)
	}
}

// series are the counts of a kind by the minute, the oldest first.
type series struct {
	Kind   lifecycle.Kind
	Counts [span]int
}

// Sum and Peak are of the hour.
func (s series) Sum() (n int) {
	for _, c := range s.Counts {
		n += c
	}
	return n
}

// Peak is the count of the busiest minute.
func (s series) Peak() int { return slices.Max(s.Counts[:]) }

// last yields the slots of the last n minutes, the oldest first, and how many
// minutes before this one they are.
func (m *minutes) last(n int, now time.Time) func(func(int, *minute) bool) {
	return func(yield func(int, *minute) bool) {
		at := now.Unix() / 60
		for ago := n - 1; ago >= 0; ago-- {
			if s := &m.slots[(at-int64(ago))%span]; s.at == at-int64(ago) && !yield(ago, s) {
				return
			}
		}
	}
}

// hour returns the counts of all kinds that were seen in the last hour.
func (r *recorder) hour(now time.Time) map[lifecycle.Kind]series {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := map[lifecycle.Kind]series{}
	for ago, s := range r.minutes.last(span, now) {
		for kind, n := range s.kinds {
			all := found[kind]
			all.Kind = kind
			all.Counts[span-1-ago] = n
			found[kind] = all
		}
	}
	return found
}

// A field is one that concurrent requests changed.
type field struct {
	Name  string
	Count int
}

// conflicts returns the conflicts of the last hour by field, the most frequent
// first.
func (r *recorder) conflicts(now time.Time) (fields []field) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sums := map[string]int{}
	for _, s := range r.minutes.last(span, now) {
		for name, n := range s.fields {
			sums[name] += n
		}
	}
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		fields = append(fields, field{name, sums[name]})
	}
	slices.SortStableFunc(fields, func(a, b field) int { return cmp.Compare(b.Count, a.Count) })
	return fields
}

// operation is what a store was asked to do.
type operation int

const (
	load operation = iota
	save
	touch
	remove
	operations
)

func (o operation) String() string {
	return [...]string{"load", "save", "touch", "delete"}[o]
}

var operationOf = map[lifecycle.Kind]operation{
	lifecycle.Loaded:    load,
	lifecycle.Created:   save,
	lifecycle.Saved:     save,
	lifecycle.Renewed:   save,
	lifecycle.Touched:   touch,
	lifecycle.Destroyed: remove,
	lifecycle.Revoked:   remove,
}

// A latency counts durations in buckets, of which eight double: a quantile is
// exact to some 6 %.
type latency struct {
	buckets [27 * 8]uint32 // from 1 µs to 134 s
	count   int
	slowest time.Duration
}

func (l *latency) add(d time.Duration) {
	l.count++
	l.slowest = max(l.slowest, d)
	l.buckets[bucket(d)]++
}

func (l *latency) join(o *latency) {
	l.count += o.count
	l.slowest = max(l.slowest, o.slowest)
	for i, n := range o.buckets {
		l.buckets[i] += n
	}
}

func bucket(d time.Duration) int {
	us := uint64(max(d, 1)) * 8 / uint64(time.Microsecond) // in eighths
	octave := bits.Len64(us) - 4
	if octave < 0 {
		return 0
	}
	return min(octave*8+int(us>>octave)-8, 27*8-1)
}

// quantile returns the middle of the bucket that the quantile q is in.
func (l *latency) quantile(q float64) time.Duration {
	rank, seen := int(q*float64(l.count)), 0
	for i, n := range l.buckets {
		if seen += int(n); seen > rank {
			eighths := float64(8+i%8) + 0.5
			return min(time.Duration(eighths/8*float64(uint64(1)<<(i/8))*float64(time.Microsecond)), l.slowest)
		}
	}
	return l.slowest
}

// latencies returns how long each operation took in the last n minutes, nil for
// those that did not happen.
func (r *recorder) latencies(n int, now time.Time) (sums [operations]*latency) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.minutes.last(n, now) {
		for op, l := range s.took {
			if l == nil {
				continue
			}
			if sums[op] == nil {
				sums[op] = new(latency)
			}
			sums[op].join(l)
		}
	}
	return sums
}
