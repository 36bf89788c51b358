package report

import (
	"fmt"
	"strings"

	"github.com/sesame-go/sesame/bench"
)

// title is what people call a library on a store.
func title(lib, store string) string {
	for _, e := range bench.Entries {
		if e.Lib == lib && e.Store == store {
			return e.Title
		}
	}
	return lib
}

// held is what a live session takes of the heap, and how many a gigabyte has.
func (r *Report) held() string {
	var t table
	t.row("in memory", "session", "bytes each", "heap objects each", "sessions in a GB")
	for _, size := range r.set.LabelValues("Held", "size") {
		for _, lib := range r.set.LabelValues("Held", "lib") {
			bytes, ok := r.set.Median("Held", "B/session", "lib="+lib, "size="+size)
			objects, _ := r.set.Median("Held", "objects/session", "lib="+lib, "size="+size)
			if ok {
				t.row(title(lib, "memory"), size, fmt.Sprintf("%.0f", bytes), fmt.Sprintf("%.1f", objects), million(1e9/bytes))
			}
		}
	}
	return t.String()
}

func million(n float64) string { return fmt.Sprintf("%.2g million", n/1e6) }

// growth is what operations of the stores cost with ever more sessions.
func (r *Report) growth() string {
	counts := r.set.LabelValues("Growth", "sessions")
	var t table
	head := []string{"store", "operation"}
	for _, n := range counts {
		head = append(head, n+" sessions")
	}
	t.row(head...)
	for _, store := range r.set.LabelValues("Growth", "store") {
		for _, lib := range r.set.LabelValues("Growth", "lib") {
			for _, op := range r.set.LabelValues("Growth", "op") {
				row, some := []string{title(lib, store) + ", " + store, operation(op)}, false
				for _, n := range counts {
					ns, ok := r.set.Median("Growth", "ns/op", "lib="+lib, "store="+store, "op="+op, "sessions="+n)
					some = some || ok
					if ok {
						row = append(row, duration(ns))
					} else {
						row = append(row, "")
					}
				}
				if some {
					t.row(row...)
				}
			}
		}
	}
	return t.String()
}

func operation(op string) string {
	if op == "list" || op == "sweep" {
		return op + ", each session"
	}
	return op
}

// wait is how long reads take during a sweep.
func (r *Report) wait() string {
	var t table
	t.row("reads in memory, while", "sessions", "longest", "longer than 2 ms, a second", "one in 10,000 took longer than")
	for _, b := range r.set.Benchmarks {
		if b.Name != "Wait" {
			continue
		}
		during := title(b.Labels["lib"], "memory") + " sweeps"
		if b.Labels["during"] == "arithmetic" {
			during = "another goroutine calculates"
		}
		t.row(during, b.Labels["sessions"], duration(b.Values["max-ns"][0]),
			fmt.Sprintf("%.2g", b.Values["long/s"][0]), duration(b.Values["p99.99-ns"][0]))
	}
	return t.String()
}

// durable compares engines that keep everything in one file.
func (r *Report) durable() string {
	var t table
	t.row("one file, on the disk before the answer", "1 writer", "64 writers")
	for _, engine := range r.set.LabelValues("Durable", "engine") {
		row := []string{map[string]string{
			"logstore": "sesame's logstore", "bbolt": "bbolt, Batch", "sqlite": "SQLite through sesame's sqlstore",
			"scs-sqlite": "SQLite through scs' sqlite3store",
		}[engine]}
		for _, writers := range []string{"1", "64"} {
			value, ratio, ok := r.estimate("Durable", "ns/op", []string{"engine=" + engine, "writers=" + writers},
				[]string{"engine=logstore", "writers=" + writers})
			switch {
			case !ok:
				row = append(row, "")
			case engine == "logstore":
				row = append(row, "**"+perSecond(value.Center)+"**")
			default:
				row = append(row, fmt.Sprintf("%s<br>%.3g× %s", perSecond(value.Center), ratio.Center, ratio.Range()))
			}
		}
		t.row(row...)
	}
	return t.String()
}

// scaling is how much more two processors do than one.
func (r *Report) scaling() string {
	var b strings.Builder
	for _, lib := range r.set.LabelValues("Scaling", "lib") {
		for _, op := range r.set.LabelValues("Scaling", "op") {
			l := []string{"lib=" + lib, "op=" + op}
			_, ratio, ok := r.estimate("Scaling", "ns/op", append(l, "cores=1"), append(l[:2:2], "cores=2"))
			if ok {
				what := fmt.Sprintf("%s, %s: %.2f times as many requests", title(lib, "memory"), op, ratio.Center)
				if lib == bench.Machine {
					what = fmt.Sprintf("the machine itself, in the same run: %.2f times as much arithmetic", ratio.Center)
				}
				fmt.Fprintf(&b, "- %s a second on two cores as on one, %s\n", what, ratio.Range())
			}
		}
	}
	return b.String()
}
