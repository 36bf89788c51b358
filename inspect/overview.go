package inspect

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sesame-go/sesame/internal/lifecycle"
	"github.com/sesame-go/sesame/store"
)

// overview is the first page: whether all is well.
type overview struct {
	State     state
	Figures   []figure
	Groups    []chart
	Absent    []lifecycle.Kind // kinds of which there was nothing
	Newest    int64            // the last minute of the charts, in seconds since 1970
	Latencies []latencyRow
	Conflicts []field
	Errors    []problem
	Store     []string // the store's type, and that of each store inside
	Lists     bool
	Index     bool
	Settings  string
	Tail      tail
}

// A figure links to the events behind it.
type figure struct {
	Count string
	What  string
	Link  string
	Bad   bool
}

// A chart is a group with what happened each minute.
type chart struct {
	Name string
	Rows []chartRow
}

type chartRow struct {
	kind
	series
	Bad bool
}

// Kind is ambiguous otherwise.
func (r chartRow) Name() lifecycle.Kind { return r.kind.Kind }

// Path draws a bar for each minute, in a box of 240 by 24.
func (r chartRow) Path() string {
	var b strings.Builder
	peak := max(1, r.Peak())
	for i, n := range r.Counts {
		if n == 0 {
			continue
		}
		h := max(1, float64(n)*22/float64(peak))
		fmt.Fprintf(&b, "M%d 24v-%.3gh3v%.3gz", i*4, h, h)
	}
	return b.String()
}

// List is for the script, which names the counts of a minute.
func (r chartRow) List() string { return strings.Trim(fmt.Sprint(r.Counts), "[]") }

type latencyRow struct {
	Operation operation
	Recent    *latency
	Hour      *latency
}

// P50 and P99 are of the last five minutes.
func (r latencyRow) P50() string { return took(r.Recent.quantile(0.5)) }

// P99 is what one of a hundred exceeds.
func (r latencyRow) P99() string { return took(r.Recent.quantile(0.99)) }

// HourP99 is P99 of the last hour.
func (r latencyRow) HourP99() string { return took(r.Hour.quantile(0.99)) }

// Slowest is that of the last hour.
func (r latencyRow) Slowest() string { return took(r.Hour.slowest) }

// Calls are those of the last hour.
func (r latencyRow) Calls() string { return number(r.Hour.count) }

// tailOnOverview is how many events the overview shows.
const tailOnOverview = 12

func (i *inspector) showOverview(w http.ResponseWriter, r *http.Request) {
	o := i.overview(time.Now())
	o.Tail = i.tail(query{}, tailOnOverview, "./")
	i.render(w, r, http.StatusOK, "overview", page{
		Root: "./", Title: "Overview", Here: "overview", Body: o,
		Live: url.Values{"page": {"overview"}, "after": {o.Tail.After}}.Encode(),
	})
}

func (i *inspector) overview(now time.Time) overview {
	o := overview{State: i.health.look(), Conflicts: i.events.conflicts(now), Errors: i.events.errors()}
	o.Lists, o.Index = i.engine.Can()
	hour := i.events.hour(now)
	sum := func(kinds ...lifecycle.Kind) (n int) {
		for _, k := range kinds {
			n += hour[k].Sum()
		}
		return n
	}
	sessions := figure{Count: "–", What: "sessions, not counted", Link: "sessions"}
	if !o.State.Counted.IsZero() {
		sessions.Count, sessions.What = number(o.State.Count), "sessions now"
		if o.State.Count == 1 {
			sessions.What = "session now"
		}
		if since := time.Since(o.State.Counted); since > 2*pause {
			sessions.What = "sessions " + period(since) + " ago"
		}
	}
	o.Figures = []figure{
		sessions,
		{number(sum(lifecycle.Created)), "created in an hour", "events?kind=created", false},
		{number(sum(lifecycle.Renewed)), "log-ins in an hour", "events?kind=renewed", false},
		{number(sum(lifecycle.Conflict)), "conflicts in an hour", "events?kind=conflict", false},
		{number(sum(lifecycle.StoreError)), "store errors in an hour", "events?kind=store_error", sum(lifecycle.StoreError) > 0},
	}
	shown, absent := grouped(hour)
	for _, g := range shown {
		c := chart{Name: g.Name}
		for _, k := range g.Kinds {
			c.Rows = append(c.Rows, chartRow{k, hour[k.Kind], g.Name == trouble})
		}
		o.Groups = append(o.Groups, c)
	}
	o.Absent, o.Newest = absent, now.Truncate(time.Minute).Unix()
	recent, all := i.events.latencies(5, now), i.events.latencies(span, now)
	for op := range operations {
		if all[op] == nil {
			continue
		}
		row := latencyRow{op, recent[op], all[op]}
		if row.Recent == nil {
			row.Recent = new(latency)
		}
		o.Latencies = append(o.Latencies, row)
	}
	o.Store, o.Settings = storeNames(i.engine.Store), i.settings()
	return o
}

// storeNames returns the type of a store and of those that it wraps.
func storeNames(s store.Store) (names []string) {
	for s != nil {
		names = append(names, strings.TrimPrefix(fmt.Sprintf("%T", s), "*"))
		w, ok := s.(interface{ Unwrap() store.Store })
		if !ok {
			break
		}
		s = w.Unwrap()
	}
	return names
}

func (i *inspector) settings() string {
	e, idle := i.engine, "no idle timeout"
	if e.Idle > 0 {
		idle = "idle timeout " + period(e.Idle)
	}
	return fmt.Sprintf("%s, lifetime %s, %s bytes at most, %s, version %d of %s",
		idle, period(e.Lifetime), number(e.MaxSize), codecName(e.Codec.ID()), e.SchemaVersion(), e.Type)
}

// codecName names the codecs that are sesame's own.
func codecName(id byte) string {
	if name, ok := map[byte]string{1: "MsgPack", 2: "JSON", 3: "Gob", 4: "CBOR"}[id]; ok {
		return name
	}
	return "codec " + strconv.Itoa(int(id))
}

// count counts the sessions of a store whose engine does not, when an operator
// asks for it.
func (i *inspector) count(w http.ResponseWriter, r *http.Request) {
	p := page{Root: "./", Title: "Overview", Here: "overview"}
	status := http.StatusOK
	n, err := i.engine.Count(r.Context())
	if err != nil {
		status, p.Failed, p.Notice = http.StatusServiceUnavailable, true, "The sessions could not be counted: "+visible(err.Error())
	} else {
		i.health.counted(n)
		p.Notice = "The store was read: " + count(n, "session lives.", "sessions live.")
	}
	o := i.overview(time.Now())
	o.Tail = i.tail(query{}, tailOnOverview, "./")
	p.Body, p.Live = o, url.Values{"page": {"overview"}, "after": {o.Tail.After}}.Encode()
	i.render(w, r, status, "overview", p)
}
