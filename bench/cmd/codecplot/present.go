package main

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/sesame-go/sesame/bench/internal/plot"
)

// figure has the times on one scale, so that small and medium can be compared.
func (c *comparison) figure() plot.Figure {
	longest, shortest := 0.0, math.Inf(1)
	for _, m := range c.codecs {
		for _, s := range []session{m.small, m.medium} {
			longest = max(longest, s.encode, s.decode)
			shortest = min(shortest, s.encode, s.decode)
		}
	}
	times := func(title string, of func(measured) session) plot.Panel {
		p := plot.Panel{
			Title: title, Axis: "µs per operation", Series: []string{"encode", "decode"}, Log: true,
			Min: math.Pow(10, math.Floor(math.Log10(shortest))), Max: longest,
		}
		for _, m := range c.codecs {
			p.Groups = append(p.Groups, plot.Group{Name: m.title(), Values: []float64{of(m).encode, of(m).decode}, Strong: m.name == "msgpack"})
		}
		return p
	}
	medium := func(m measured) session { return m.medium }
	size := plot.Panel{Title: "Encoded size", Axis: "bytes", Series: []string{"small session", "medium session"}, Format: plot.Whole}
	allocs := plot.Panel{Title: "Allocations, medium session", Axis: "allocations per operation", Series: []string{"encode", "decode"}, Format: plot.Whole}
	for _, m := range c.codecs {
		strong := m.name == "msgpack"
		size.Groups = append(size.Groups, plot.Group{Name: m.title(), Values: []float64{m.small.bytes, m.medium.bytes}, Strong: strong})
		allocs.Groups = append(allocs.Groups, plot.Group{Name: m.title(), Values: []float64{m.medium.encodeAllocs, m.medium.decodeAllocs}, Strong: strong})
	}
	return plot.Figure{
		Title:    "Codecs: what a session costs",
		Subtitle: "msgpack/v5 and msgp are for reference: they write maps in random order and trust the lengths they read.",
		Columns:  2,
		Panels: []plot.Panel{
			times("Time, small session (3 fields)", func(m measured) session { return m.small }),
			times("Time, medium session (1 KiB)", medium),
			size, allocs,
		},
		Footer: append(c.remarks(), c.command),
	}
}

// remarks say how the figures came about.
func (c *comparison) remarks() []string {
	r := fmt.Sprintf("The best of %d runs each; the slowest took up to %.1f times as long.", c.count, 1+c.spread)
	if c.count == 1 {
		r = "One run."
	}
	return []string{c.machine, r}
}

// writeTable writes Markdown.
func (c *comparison) writeTable(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| | small: bytes | encode | decode | medium: bytes | encode | decode | canonical |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|\n")
	for _, m := range c.codecs {
		canonical := "no"
		if m.small.canonical == 1 && m.medium.canonical == 1 {
			canonical = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", m.title(), m.small.cells(), m.medium.cells(), canonical)
	}
	fmt.Fprintf(&b, "\n%s\n`%s`\n", strings.Join(c.remarks(), ". "), c.command)
	_, err := io.WriteString(w, b.String())
	return err
}

func (s session) cells() string {
	return fmt.Sprintf("%.0f | %s | %s", s.bytes, operation(s.encode, s.encodeAllocs), operation(s.decode, s.decodeAllocs))
}

func operation(micros, allocs float64) string {
	time := plot.Three(micros) + " µs"
	if micros < 1 {
		time = plot.Whole(1000*micros) + " ns"
	}
	if allocs == 1 {
		return time + ", 1 alloc"
	}
	return fmt.Sprintf("%s, %.0f allocs", time, allocs)
}
