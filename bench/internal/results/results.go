// Package results reads what go test -bench prints.
package results

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A Set has all that one or more runs have printed.
type Set struct {
	GOOS, GOARCH, CPU string // of the last run that named them
	Benchmarks        []*Benchmark
}

// A Benchmark is one line, or with -count all lines of one name.
type Benchmark struct {
	Name   string               // without "Benchmark", labels and the number of CPUs: "Codecs"
	Labels map[string]string    // of the parts that read key=value
	Values map[string][]float64 // by unit: "ns/op", "B/op", "allocs/op" and its own
}

// Parse reads until the end of r. Lines that are no results are skipped, except that a
// line that says FAIL is an error: the measurement is incomplete.
func Parse(r io.Reader) (*Set, error) {
	s := new(Set)
	known := map[string]*Benchmark{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if s.header(line) {
			continue
		}
		if strings.HasPrefix(line, "FAIL") || strings.HasPrefix(line, "--- FAIL") {
			return nil, fmt.Errorf("results: the benchmarks failed: %s", line)
		}
		words := strings.Fields(line)
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") {
			continue
		}
		if _, err := strconv.Atoi(words[1]); err != nil {
			continue
		}
		b := known[words[0]]
		if b == nil {
			b = newBenchmark(words[0])
			known[words[0]] = b
			s.Benchmarks = append(s.Benchmarks, b)
		}
		for i := 2; i+1 < len(words); i += 2 {
			v, err := strconv.ParseFloat(words[i], 64)
			if err != nil {
				return nil, fmt.Errorf("results: %q in %q is no number", words[i], line)
			}
			b.Values[words[i+1]] = append(b.Values[words[i+1]], v)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	return s, nil
}

func (s *Set) header(line string) bool {
	key, value, ok := strings.Cut(line, ": ")
	if !ok {
		return false
	}
	switch key {
	case "goos":
		s.GOOS = value
	case "goarch":
		s.GOARCH = value
	case "cpu":
		s.CPU = value
	}
	return true
}

func newBenchmark(full string) *Benchmark {
	b := &Benchmark{Labels: map[string]string{}, Values: map[string][]float64{}}
	full = strings.TrimPrefix(full, "Benchmark")
	if i := strings.LastIndexByte(full, '-'); i > 0 { // the number of CPUs
		if _, err := strconv.Atoi(full[i+1:]); err == nil {
			full = full[:i]
		}
	}
	var name []string
	for part := range strings.SplitSeq(full, "/") {
		if key, value, ok := strings.Cut(part, "="); ok {
			b.Labels[key] = value
		} else {
			name = append(name, part)
		}
	}
	b.Name = strings.Join(name, "/")
	return b
}

// Median is the median of the values with that unit, in all benchmarks of that
// name that have these labels, such as "size=small". It reports false if there
// are none.
func (s *Set) Median(name, unit string, labels ...string) (float64, bool) {
	values := s.values(name, unit, labels)
	if len(values) == 0 {
		return 0, false
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2, true
}

// Least is the smallest of those values: for times on a busy machine, where what
// disturbs a run only ever adds to it.
func (s *Set) Least(name, unit string, labels ...string) (float64, bool) {
	values := s.values(name, unit, labels)
	if len(values) == 0 {
		return 0, false
	}
	return slices.Min(values), true
}

// Spread is how much the largest of those values exceeds the smallest, 0.5 for
// half as much again.
func (s *Set) Spread(name, unit string, labels ...string) float64 {
	values := s.values(name, unit, labels)
	if len(values) == 0 || slices.Min(values) <= 0 {
		return 0
	}
	return slices.Max(values)/slices.Min(values) - 1
}

// Count is the least number of values that any benchmark has: -count, if all ran.
func (s *Set) Count() int {
	least := 0
	for _, b := range s.Benchmarks {
		for values := range maps.Values(b.Values) {
			if least == 0 || len(values) < least {
				least = len(values)
			}
		}
	}
	return least
}

// LabelValues are the values of a label, in the order in which they came.
func (s *Set) LabelValues(name, label string) []string {
	var values []string
	for _, b := range s.Benchmarks {
		if v, ok := b.Labels[label]; ok && b.Name == name && !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values
}

func (s *Set) values(name, unit string, labels []string) []float64 {
	var values []float64
	for _, b := range s.Benchmarks {
		if b.Name == name && b.has(labels) {
			values = append(values, b.Values[unit]...)
		}
	}
	return values
}

func (b *Benchmark) has(labels []string) bool {
	for _, l := range labels {
		key, value, _ := strings.Cut(l, "=")
		if v, ok := b.Labels[key]; !ok || v != value {
			return false
		}
	}
	return true
}
