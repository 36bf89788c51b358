package main

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"time"
)

// figureOf is a drawing of panels, two in a row.
type figureOf struct {
	title, footer string
	end           time.Duration
	phases        []phase
	panels        []panel
}

type panel struct {
	title, unit string
	log         bool
	lines       []line
}

type line struct {
	name   string
	points []point
}

type theme struct {
	background, text, muted, grid, wrong string
	lines                                []string
}

// The colours are those of Okabe and Ito, which people who are colour-blind can
// tell apart.
var (
	light = theme{"#ffffff", "#1f2328", "#59636e", "#d1d9e0", "#d55e0022", []string{"#0072b2", "#e69f00", "#009e73", "#cc79a7"}}
	dark  = theme{"#0d1117", "#f0f6fc", "#9198a1", "#3d444d", "#d55e0044", []string{"#56b4e9", "#e69f00", "#2fc29a", "#cc79a7"}}
)

// Sizes in pixels.
const (
	width       = 960
	margin      = 24
	gutter      = 48 // for the numbers of an axis
	panelWidth  = (width - 2*margin - 24) / 2
	panelHeight = 210
	plotTop     = 50 // of a panel, below its title and legend
	plotHeight  = 120
)

type drawing struct {
	bytes.Buffer
	theme
}

func (f figureOf) svg(t theme) []byte {
	d := &drawing{theme: t}
	rows := (len(f.panels) + 1) / 2
	height := 64 + rows*panelHeight + 24
	d.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" font-family="-apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', Helvetica, Arial, sans-serif">`, width, height, width, height)
	d.printf(`<title>%s</title><rect width="%d" height="%d" fill="%s"/>`, f.title, width, height, t.background)
	d.text(margin, 36, 22, t.text, "start", f.title)
	for i, p := range f.panels {
		d.panel(f, p, float64(margin+i%2*(panelWidth+24)), float64(64+i/2*panelHeight))
	}
	d.text(margin, float64(height-12), 12, t.muted, "start", f.footer)
	d.printf("</svg>\n")
	return d.Bytes()
}

func (d *drawing) panel(f figureOf, p panel, left, top float64) {
	low, high, ticks := p.axis()
	plotWidth := float64(panelWidth - gutter)
	bottom := top + plotTop + plotHeight
	x := func(at time.Duration) float64 { return left + gutter + plotWidth*at.Seconds()/f.end.Seconds() }
	y := func(v float64) float64 {
		share := (v - low) / (high - low)
		if p.log {
			share = math.Log(v/low) / math.Log(high/low)
		}
		return bottom - plotHeight*min(max(share, 0), 1)
	}
	d.text(left, top+14, 15, d.theme.text, "start", p.title+", "+p.unit)
	for _, phase := range f.phases {
		from, to := x(phase.from), x(min(phase.to, f.end))
		d.printf(`<rect x="%.1f" y="%.1f" width="%.1f" height="%d" fill="%s"/>`, from, top+plotTop, to-from, plotHeight, d.wrong)
		d.text((from+to)/2, top+plotTop+11, 11, d.muted, "middle", phase.name)
	}
	for _, v := range ticks {
		d.printf(`<path d="M%.1f %.1fh%.1f" stroke="%s"/>`, left+gutter, y(v), plotWidth, d.grid)
		d.text(left+gutter-6, y(v)+4, 12, d.muted, "end", strconv.FormatFloat(v, 'g', 4, 64))
	}
	for at := time.Duration(0); at <= f.end; at += 30 * time.Second {
		d.text(x(at), bottom+16, 12, d.muted, "middle", fmt.Sprintf("%d s", int(at.Seconds())))
	}
	legend := left + gutter
	for i, l := range p.lines {
		colour := d.lines[i%len(d.lines)]
		d.printf(`<rect x="%.1f" y="%.1f" width="11" height="3" fill="%s"/>`, legend, top+30, colour)
		d.text(legend+16, top+36, 12, d.theme.text, "start", l.name)
		legend += 16 + 7*float64(len(l.name)) + 16
		pen := "M"
		d.printf(`<path fill="none" stroke="%s" stroke-width="1.8" stroke-linejoin="round" d="`, colour)
		for _, pt := range l.points {
			if math.IsNaN(pt.v) || math.IsInf(pt.v, 0) {
				pen = "M" // a gap
				continue
			}
			d.printf("%s%.1f %.1f", pen, x(pt.at), y(pt.v))
			pen = "L"
		}
		d.printf(`"/>`)
	}
}

// axis returns the ends of a panel's axis, and what is written beside it.
func (p panel) axis() (low, high float64, ticks []float64) {
	low = math.Inf(1)
	for _, l := range p.lines {
		for _, pt := range l.points {
			if !math.IsNaN(pt.v) && !math.IsInf(pt.v, 0) {
				high = max(high, pt.v)
				if pt.v > 0 {
					low = min(low, pt.v)
				}
			}
		}
	}
	if p.log {
		low, high = math.Pow(10, math.Floor(math.Log10(low))), math.Pow(10, math.Ceil(math.Log10(high)))
		for v := low; v <= high*1.01; v *= 10 {
			ticks = append(ticks, v)
		}
		return low, high, ticks
	}
	high = max(high, 1)
	step := math.Pow(10, math.Floor(math.Log10(high/2)))
	for _, n := range []float64{1, 2, 5, 10} {
		if step*n >= high/4 {
			step *= n
			break
		}
	}
	high = step * math.Ceil(high/step)
	for v := 0.0; v <= high; v += step {
		ticks = append(ticks, v)
	}
	return 0, high, ticks
}

func (d *drawing) text(x, y float64, size int, colour, anchor, text string) {
	d.printf(`<text x="%.1f" y="%.1f" font-size="%d" fill="%s" text-anchor="%s">%s</text>`, x, y, size, colour, anchor, text)
}

func (d *drawing) printf(format string, args ...any) { fmt.Fprintf(d, format, args...) }
