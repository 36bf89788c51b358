package inspect

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sesame-go/sesame/internal/lifecycle"
	"github.com/sesame-go/sesame/store"
)

// A tail is the latest of the events that a query asks for.
type tail struct {
	Root   string
	Events []event
	More   bool
	After  string // where the stream goes on
}

const (
	tailOnEvents  = 200
	tailOnSession = 20
)

func (i *inspector) tail(q query, limit int, root string) tail {
	found, more, last := i.events.find(q, limit)
	return tail{root, found, more, i.instance + "." + strconv.FormatUint(last, 10)}
}

// rows are the events with the way to the overview, for the template.
func (t tail) Rows() []row {
	rows := make([]row, len(t.Events))
	for n, e := range t.Events {
		rows[n] = row{e, t.Root}
	}
	return rows
}

// A row is one event of a tail.
type row struct {
	event
	Root string
}

// Bad reports whether the event is trouble.
func (r row) Bad() bool { return groupOf(r.Kind) == trouble }

// Details say what is known besides.
func (r row) Details() string {
	var all []string
	if r.Count > 0 {
		all = append(all, count(r.Count, "session", "sessions"))
	}
	if r.Field != "" {
		all = append(all, r.Field)
	}
	if r.Error != "" {
		all = append(all, r.Error)
	}
	return strings.Join(all, ": ")
}

// eventsPage is a tail that can be filtered.
type eventsPage struct {
	Tail    tail
	All     chip
	Groups  []chipGroup
	Session string // of this one alone
}

// A chip switches a kind on or off.
type chip struct {
	Name string
	Link string
	On   bool
	Kept string
}

type chipGroup struct {
	Name  string
	Link  string // to all of it
	Chips []chip
}

func (i *inspector) showEvents(w http.ResponseWriter, r *http.Request) {
	q := parseQuery(r.URL.Query())
	body := eventsPage{Tail: i.tail(q, tailOnEvents, "./")}
	if q.key != (store.Key{}) {
		body.Session = q.key.String()
	}
	link := func(kinds []lifecycle.Kind) string {
		to := q
		to.kinds = kinds
		return "events?" + to.values().Encode()
	}
	kept := i.events.kept()
	shown, _ := grouped(kept)
	for _, g := range shown {
		of := chipGroup{Name: g.Name}
		var all []lifecycle.Kind
		for _, k := range g.Kinds {
			toggled := append(slices.Clone(q.kinds), k.Kind)
			on := slices.Contains(q.kinds, k.Kind)
			if on {
				toggled = slices.DeleteFunc(toggled, func(other lifecycle.Kind) bool { return other == k.Kind })
			}
			of.Chips = append(of.Chips, chip{string(k.Kind), link(toggled), on, number(kept[k.Kind])})
			all = append(all, k.Kind)
		}
		of.Link = link(all)
		body.Groups = append(body.Groups, of)
	}
	body.All = chip{Name: "all", Link: link(nil), On: len(q.kinds) == 0}
	values := q.values()
	values.Set("page", "events")
	values.Set("after", body.Tail.After)
	i.render(w, r, http.StatusOK, "events", page{Root: "./", Title: "Events", Here: "events", Body: body, Live: values.Encode()})
}

// parseQuery reads what the address of a page, or of its stream, asks for.
func parseQuery(v url.Values) (q query) {
	for _, k := range v["kind"] {
		if len(q.kinds) < 50 {
			q.kinds = append(q.kinds, lifecycle.Kind(k))
		}
	}
	if k, err := store.ParseKey(v.Get("session")); err == nil {
		q.key = k
	}
	return q
}

func (q query) values() url.Values {
	v := url.Values{}
	for _, k := range q.kinds {
		v.Add("kind", string(k))
	}
	if q.key != (store.Key{}) {
		v.Set("session", q.key.String())
	}
	return v
}

// kept returns how many events of each kind are in memory.
func (r *recorder) kept() map[lifecycle.Kind]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts := map[lifecycle.Kind]int{}
	for k, of := range r.kinds {
		counts[k] = len(of.events)
	}
	return counts
}
