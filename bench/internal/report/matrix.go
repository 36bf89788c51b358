package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sesame-go/sesame/bench"
	"github.com/sesame-go/sesame/bench/internal/measure"
)

// unit is what a store is judged by: in memory the processors' time, which
// others on the machine do not lengthen; elsewhere the clock, since the time of
// a disk or a server counts.
func unit(store string) (name string, write func(float64) string) {
	if store == "memory" {
		return "cpu-ns/op", duration
	}
	return "ns/op", perSecond
}

func labels(lib, store string, op bench.Op, size string) []string {
	return []string{"lib=" + lib, "store=" + store, "op=" + string(op), "size=" + size}
}

// cell is what a library takes for an op, and its ratio to sesame.
func (r *Report) cell(lib, store string, op bench.Op, size string) (value, ratio measure.Estimate, ok bool) {
	name, _ := unit(store)
	return r.estimate("Compare", name, labels(lib, store, op, size), labels(bench.Base, store, op, size))
}

// sizes are the sessions that were measured: the large ones, or the others.
func (r *Report) sizes(large bool) (sizes []string) {
	for _, size := range r.set.LabelValues("Compare", "size") {
		isLarge := slices.ContainsFunc(bench.Sessions, func(s bench.Session) bool { return s.Name() == size && s.IsLarge() })
		if isLarge == large {
			sizes = append(sizes, size)
		}
	}
	return sizes
}

// store is a table for each size: a library in each row, an op in each column.
func (r *Report) store(store string) string {
	var text []string
	_, write := unit(store)
	for _, size := range r.sizes(false) {
		var t table
		head := []string{size}
		for _, op := range bench.Ops {
			head = append(head, string(op))
		}
		t.row(append(head, "of ten changes left")...)
		for _, e := range bench.Entries {
			if e.Store != store {
				continue
			}
			row, some := []string{e.Title}, false
			for _, op := range bench.Ops {
				value, ratio, ok := r.cell(e.Lib, store, op, size)
				if !ok {
					row = append(row, "")
					continue
				}
				some = true
				row = append(row, entry(e, op, write(value.Center), ratio))
			}
			survived := ""
			if n, ok := r.set.Median("Compare", "survived", labels(e.Lib, store, bench.Together, size)...); ok {
				survived = fmt.Sprintf("%.0f", n)
			}
			if some {
				t.row(append(row, survived)...)
			}
		}
		if s := t.String(); s != "" {
			text = append(text, s)
		}
	}
	return strings.Join(text, "\n")
}

func entry(e bench.Entry, op bench.Op, value string, ratio measure.Estimate) string {
	if op == bench.Renew && e.KeepsToken {
		value += " (1)"
	}
	if e.Lib == bench.Base {
		return "**" + value + "**"
	}
	return fmt.Sprintf("%s<br>%.3g× %s", value, ratio.Center, ratio.Range())
}

// large is a table of the large sessions, in memory: a session and a library in
// each row, an op in each column.
func (r *Report) large() string {
	var t table
	head := []string{"session", "library"}
	ops := []bench.Op{bench.Read, bench.Change, bench.Create}
	for _, op := range ops {
		head = append(head, string(op))
	}
	t.row(head...)
	_, write := unit("memory")
	for _, size := range r.sizes(true) {
		for _, e := range bench.Entries {
			row, some := []string{size, e.Title}, false
			for _, op := range ops {
				value, ratio, ok := r.cell(e.Lib, "memory", op, size)
				if !ok || e.Store != "memory" {
					row = append(row, "")
					continue
				}
				some = true
				allocs, _ := r.set.Median("Compare", "allocs/op", labels(e.Lib, "memory", op, size)...)
				row = append(row, entry(e, op, fmt.Sprintf("%s, %.0f allocs", write(value.Center), allocs), ratio))
			}
			if some {
				t.row(row...)
			}
		}
	}
	return t.String()
}

// allocations is what a request in memory takes of the heap.
func (r *Report) allocations() string {
	var t table
	head := []string{"bytes, allocations"}
	sizes := r.sizes(false)
	ops := []bench.Op{bench.Untouched, bench.Read, bench.Change, bench.Create}
	for _, size := range sizes {
		for _, op := range ops {
			head = append(head, size+" "+string(op))
		}
	}
	t.row(head...)
	for _, e := range bench.Entries {
		row, some := []string{e.Title}, false
		for _, size := range sizes {
			for _, op := range ops {
				l := labels(e.Lib, "memory", op, size)
				bytes, ok := r.set.Median("Compare", "B/op", l...)
				allocs, _ := r.set.Median("Compare", "allocs/op", l...)
				if !ok || e.Store != "memory" {
					row = append(row, "")
					continue
				}
				some = true
				row = append(row, fmt.Sprintf("%.0f, %.0f", bytes, allocs))
			}
		}
		if some {
			t.row(row...)
		}
	}
	return t.String()
}

// losses are where another library costs less, beyond doubt.
func (r *Report) losses() string {
	var b strings.Builder
	for _, store := range bench.Stores {
		_, write := unit(store)
		for _, size := range r.set.LabelValues("Compare", "size") {
			for _, op := range bench.Ops {
				for _, e := range bench.Entries {
					if e.Store != store || e.Floor || strings.HasPrefix(e.Lib, bench.Base) {
						continue
					}
					value, ratio, ok := r.cell(e.Lib, store, op, size)
					if ok && ratio.Hi < 1 {
						own, _, _ := r.cell(bench.Base, store, op, size)
						fmt.Fprintf(&b, "- %s, %s, %s: %s %s, sesame %s (%.2g× %s)\n", store, size, op, e.Title,
							write(value.Center), write(own.Center), ratio.Center, ratio.Range())
					}
				}
			}
		}
	}
	if b.Len() == 0 && len(r.set.LabelValues("Compare", "lib")) > 0 {
		return "Nowhere in this run.\n"
	}
	return b.String()
}
