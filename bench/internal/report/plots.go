package report

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/sesame-go/sesame/bench"
	"github.com/sesame-go/sesame/bench/internal/plot"
)

// Plots writes perf-*.svg to a directory, each light and dark. What was not
// measured is not drawn.
func (r *Report) Plots(dir string) error {
	ops := []bench.Op{bench.Untouched, bench.Read, bench.Change, bench.Create}
	var memory, servers []plot.Panel
	for _, size := range r.sizes(false) {
		memory = r.panel(memory, "memory", size, size+" session, in memory", ops)
	}
	for _, store := range bench.Stores[1:] {
		servers = r.panel(servers, store, "medium", store+", medium session", []bench.Op{bench.Read, bench.Change})
	}
	for _, f := range []struct {
		name   string
		figure plot.Figure
	}{
		{"perf-memory", plot.Figure{Title: "What a request costs", Subtitle: "processor time a request; the shorter the better", Panels: memory}},
		{"perf-stores", plot.Figure{Title: "Requests per second", Subtitle: "64 clients at once; the longer the better", Panels: servers}},
		{"perf-held", plot.Figure{Title: "What a session takes of the memory", Subtitle: "the heap after garbage collection; the shorter the better", Panels: r.heldPanels()}},
	} {
		if len(f.figure.Panels) == 0 {
			continue
		}
		f.figure.Footer = r.footer()
		if err := f.figure.WriteFiles(filepath.Join(dir, f.name)); err != nil {
			return err
		}
	}
	return nil
}

func (r *Report) footer() []string {
	machine := fmt.Sprintf("%s, %s cores, %s", r.facts["cpu"], r.facts["cores"], r.facts["go"])
	return append([]string{machine}, r.commands()...)
}

// commands are those that the results come from. Results of several runs, put
// into one file, name them in one line.
func (r *Report) commands() []string { return strings.Split(r.facts["command"], "; ") }

// panel adds a panel of a store to others, if something was measured.
func (r *Report) panel(panels []plot.Panel, store, size, heading string, ops []bench.Op) []plot.Panel {
	p := plot.Panel{Title: heading, Axis: "µs of processor time", Log: store == "memory"}
	scale := func(ns float64) float64 { return ns / 1e3 }
	if store != "memory" {
		p.Axis = "thousand requests per second"
		scale = func(ns float64) float64 { return 1e6 / ns }
	}
	for _, op := range ops {
		p.Series = append(p.Series, string(op))
	}
	for _, e := range bench.Entries {
		if e.Store != store || e.Floor {
			continue
		}
		g, some := plot.Group{Name: e.Title, Strong: strings.HasPrefix(e.Lib, bench.Base)}, false
		for _, op := range ops {
			value, _, ok := r.cell(e.Lib, store, op, size)
			if !ok {
				g.Values = append(g.Values, math.NaN())
				continue
			}
			some = true
			g.Values = append(g.Values, scale(value.Center))
		}
		if some {
			p.Groups = append(p.Groups, g)
		}
	}
	if len(p.Groups) == 0 {
		return panels
	}
	return append(panels, p)
}

func (r *Report) heldPanels() (panels []plot.Panel) {
	for _, size := range r.set.LabelValues("Held", "size") {
		p := plot.Panel{Title: size + " session", Axis: "bytes a session", Series: []string{"bytes"}}
		for _, lib := range r.set.LabelValues("Held", "lib") {
			if bytes, ok := r.set.Median("Held", "B/session", "lib="+lib, "size="+size); ok {
				p.Groups = append(p.Groups, plot.Group{Name: title(lib, "memory"), Values: []float64{bytes}, Strong: lib == bench.Base})
			}
		}
		panels = append(panels, p)
	}
	return panels
}
