// Package report makes tables and plots of what cmd/compare has measured.
package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/sesame-go/sesame/bench"
	"github.com/sesame-go/sesame/bench/internal/measure"
	"github.com/sesame-go/sesame/bench/internal/results"
)

// Report is a run of cmd/compare.
type Report struct {
	set      *results.Set
	facts    map[string]string // of the head: "cpu", "kernel", "go", "command" …
	versions []string          // of modules: "path version"
}

// Read reads results in the format of benchmarks.
func Read(r io.Reader) (*Report, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	set, err := results.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	report := &Report{set: set, facts: make(map[string]string)}
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || strings.HasPrefix(line, "Benchmark") {
			continue
		}
		if key == "version" {
			report.versions = append(report.versions, value)
		} else {
			report.facts[key] = value
		}
	}
	return report, nil
}

// Section is a part of docs/PERFORMANCE.md that is made of results.
type Section struct {
	Name string
	Text string // Markdown, "" if nothing was measured for it
}

// Sections returns all of them.
func (r *Report) Sections() []Section {
	sections := []Section{{"machine", r.machine()}}
	for _, store := range bench.Stores {
		var servers []string
		if store == "redis" || store == "postgres" {
			servers = append(servers, store)
		}
		sections = append(sections, Section{store, by(r.store(store), "-only requests -stores "+store, servers...)})
	}
	return append(sections,
		Section{"large", by(r.large(), "-only requests -stores memory -sizes cart,perms,perms100,loose,long4k,long60k")},
		Section{"allocations", by(r.allocations(), "-only requests -stores memory")},
		Section{"losses", by(r.losses(), "-only requests", "redis", "postgres")},
		Section{"held", by(r.held(), "-only held")},
		Section{"growth", by(r.growth(), "-only growth")},
		Section{"wait", by(r.wait(), "-only wait")},
		Section{"durable", by(r.durable(), "-only durable")},
		Section{"scaling", by(r.scaling(), "-only scaling")},
		Section{"libraries", libraries()},
	)
}

// by adds the command that measures the text again.
func by(text, flags string, servers ...string) string {
	if text == "" {
		return ""
	}
	command := "go -C bench run ./cmd/compare " + flags
	if len(servers) > 0 {
		command = "scripts/services run " + strings.Join(servers, " ") + " -- " + command
	}
	return text + "\nReproduce: `" + command + "`\n"
}

// Fill replaces, in a document, what is between <!-- compare: NAME --> and
// <!-- end --> by the section of that name. A section without text leaves the
// document as it is: a run of a part keeps the rest.
func (r *Report) Fill(document string) (string, error) {
	for _, s := range r.Sections() {
		begin := "<!-- compare: " + s.Name + " -->\n"
		before, rest, found := strings.Cut(document, begin)
		if !found || s.Text == "" {
			continue
		}
		_, after, ended := strings.Cut(rest, "<!-- end -->")
		if !ended {
			return "", fmt.Errorf("report: no <!-- end --> after %s", strings.TrimSpace(begin))
		}
		document = before + begin + "\n" + s.Text + "\n<!-- end -->" + after
	}
	return document, nil
}

func (r *Report) machine() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s cores, %s/%s, kernel %s, %s.\n\n", r.facts["cpu"], r.facts["cores"],
		r.facts["goos"], r.facts["goarch"], r.facts["kernel"], r.facts["go"])
	for _, v := range r.versions {
		path, version, _ := strings.Cut(v, " ")
		fmt.Fprintf(&b, "- `%s` %s\n", path, version)
	}
	fmt.Fprintf(&b, "\nMeasured by\n\n```\n%s\n```\n", strings.Join(r.commands(), "\n"))
	return b.String()
}

// libraries says how each keeps a session.
func libraries() string {
	var t table
	t.row("library", "store", "keeps")
	for _, e := range bench.Entries {
		if !e.Floor {
			keeps := e.Keeps
			if e.KeepsToken {
				keeps += "; **a log-in does not end the old cookie**"
			}
			t.row(e.Title, e.Store, keeps)
		}
	}
	return t.String()
}

// estimate returns the median of a value, and that of its ratio to base.
func (r *Report) estimate(name, unit string, labels []string, base []string) (value, ratio measure.Estimate, ok bool) {
	own := r.values(name, unit, labels)
	if len(own) == 0 {
		return value, ratio, false
	}
	return measure.Median(own), measure.Ratio(own, r.values(name, unit, base)), true
}

// values are those of the benchmark with these labels, round by round.
func (r *Report) values(name, unit string, labels []string) []float64 {
	for _, b := range r.set.Benchmarks {
		if b.Name == name && has(b, labels) {
			return b.Values[unit]
		}
	}
	return nil
}

func has(b *results.Benchmark, labels []string) bool {
	for _, l := range labels {
		key, value, _ := strings.Cut(l, "=")
		if b.Labels[key] != value {
			return false
		}
	}
	return true
}
