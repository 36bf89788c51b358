package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Sizes in pixels.
const (
	margin    = 24
	barHeight = 15
	barGap    = 2
	groupGap  = 12
	lineGap   = 18 // from one line of small print to the next
	panelGap  = 32
	headRoom  = 56 // of a panel, above its bars: title and legend
	footRoom  = 46 // of a panel, below its bars: ticks and label
)

// drawing is an SVG that is being written.
type drawing struct {
	bytes.Buffer
	theme Theme
}

func (d *drawing) figure(f Figure) {
	columns, width := max(f.Columns, 1), f.Width
	if width == 0 {
		width = 960
	}
	top := 44.0
	if f.Subtitle != "" {
		top += lineGap + 4
	}
	top += 28

	// A row is as high as its highest panel.
	panelWidth := float64(width-2*margin-panelGap*(columns-1)) / float64(columns)
	height := top
	tops := make([]float64, len(f.Panels))
	for row := 0; row < len(f.Panels); row += columns {
		highest := 0.0
		for i := row; i < min(row+columns, len(f.Panels)); i++ {
			tops[i] = height
			highest = max(highest, f.Panels[i].height())
		}
		height += highest + panelGap/2
	}
	footer := height + 8
	height += float64(lineGap*len(f.Footer)) + 12

	d.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%s" viewBox="0 0 %d %s" role="img" font-family="-apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', Helvetica, Arial, sans-serif">`+"\n",
		width, px(height), width, px(height))
	d.printf("<title>%s</title>\n", escape(f.Title))
	d.printf(`<rect width="%d" height="%s" fill="%s"/>`+"\n", width, px(height), d.theme.Background)
	d.text(margin, 44, f.Title, style{size: 22, weight: 600})
	if f.Subtitle != "" {
		d.text(margin, 66, f.Subtitle, style{size: 14, muted: true})
	}
	names, values := f.gutters()
	for i, p := range f.Panels {
		left := margin + float64(i%columns)*(panelWidth+panelGap)
		d.panel(p, left+names, tops[i], panelWidth-names-values)
	}
	for i, line := range f.Footer {
		d.text(margin, footer+float64(i*lineGap), line, style{size: 12, muted: true})
	}
	d.printf("</svg>\n")
}

func (p Panel) height() float64 {
	group := float64(len(p.Series)*(barHeight+barGap)) + groupGap
	return headRoom + float64(len(p.Groups))*group + footRoom
}

// gutters is the room for names, to the left of the bars, and for the value of
// the longest bar, to the right. It is the same for all panels, so that those of
// one scale can be compared.
func (f Figure) gutters() (names, values float64) {
	for _, p := range f.Panels {
		for _, g := range p.Groups {
			names = max(names, textWidth(g.Name, 13, g.Strong)+10)
			for _, v := range g.Values {
				if !math.IsNaN(v) {
					values = max(values, textWidth(p.format(v), 12, false)+8)
				}
			}
		}
	}
	return names, values
}

func (p Panel) format(v float64) string {
	if p.Format == nil {
		return Three(v)
	}
	return p.Format(v)
}

// panel draws bars of up to length, which begin at begin. Names are left of it.
func (d *drawing) panel(p Panel, begin, top, length float64) {
	a := newAxis(p)
	x := func(v float64) float64 { return begin + length*a.at(v) }

	d.text(begin, top+14, p.Title, style{size: 15, weight: 600})
	d.legend(p.Series, begin, top+34)
	y := top + headRoom
	bottom := top + p.height() - footRoom
	for _, v := range a.ticks {
		d.printf(`<line x1="%s" y1="%s" x2="%s" y2="%s" stroke="%s"/>`+"\n", px(x(v)), px(y-6), px(x(v)), px(bottom), d.theme.Grid)
		d.text(x(v), bottom+16, tick(v), style{size: 12, muted: true, anchor: "middle"})
	}
	label := p.Axis
	if p.Log {
		label += ", logarithmic"
	}
	d.text(begin, bottom+36, label, style{size: 12, muted: true})

	for _, g := range p.Groups {
		middle := y + float64(len(p.Series)*(barHeight+barGap)-barGap)/2
		weight := 400
		if g.Strong {
			weight = 700
		}
		d.text(begin-8, middle+4.5, g.Name, style{size: 13, weight: weight, anchor: "end"})
		for i, v := range g.Values {
			if !math.IsNaN(v) {
				d.bar(begin, y, x(v)-begin, i, g.Name+", "+p.Series[i]+": "+p.format(v))
				d.text(x(v)+5, y+barHeight-3.5, p.format(v), style{size: 12, halo: true})
			}
			y += barHeight + barGap
		}
		y += groupGap
	}
	d.printf(`<line x1="%s" y1="%s" x2="%s" y2="%s" stroke="%s"/>`+"\n", px(begin), px(top+headRoom-6), px(begin), px(bottom), d.theme.Muted)
}

// tick writes a number on an axis. A tick is a sum, and not exact.
func tick(v float64) string { return strconv.FormatFloat(math.Round(v*1e9)/1e9, 'f', -1, 64) }

// bar draws a bar that says what it is when it is pointed at.
func (d *drawing) bar(x, y, width float64, series int, says string) {
	d.printf(`<rect x="%s" y="%s" width="%s" height="%d" rx="2" fill="%s"><title>%s</title></rect>`+"\n",
		px(x), px(y), px(width), barHeight, d.colour(series), escape(says))
}

func (d *drawing) legend(series []string, x, y float64) {
	if len(series) < 2 {
		return
	}
	for i, s := range series {
		d.printf(`<rect x="%s" y="%s" width="11" height="11" rx="2" fill="%s"/>`+"\n", px(x), px(y-10), d.colour(i))
		d.text(x+16, y, s, style{size: 12})
		x += 16 + textWidth(s, 12, false) + 18
	}
}

func (d *drawing) colour(series int) string { return d.theme.Bars[series%len(d.theme.Bars)] }

type style struct {
	size   int
	weight int // 400 if 0
	muted  bool
	halo   bool   // keep the lines of the grid away from it
	anchor string // start if empty
}

func (d *drawing) text(x, y float64, text string, s style) {
	colour := d.theme.Text
	if s.muted {
		colour = d.theme.Muted
	}
	attributes := ""
	if s.weight != 0 {
		attributes += fmt.Sprintf(` font-weight="%d"`, s.weight)
	}
	if s.halo {
		attributes += fmt.Sprintf(` stroke="%s" stroke-width="4" paint-order="stroke"`, d.theme.Background)
	}
	if s.anchor != "" {
		attributes += fmt.Sprintf(` text-anchor="%s"`, s.anchor)
	}
	d.printf(`<text x="%s" y="%s" font-size="%d" fill="%s"%s>%s</text>`+"\n", px(x), px(y), s.size, colour, attributes, escape(text))
}

func (d *drawing) printf(format string, args ...any) { fmt.Fprintf(d, format, args...) }

// textWidth is about how wide text is: fonts differ, so rather too much.
func textWidth(text string, size int, bold bool) float64 {
	width := 0.58 * float64(size) * float64(len([]rune(text)))
	if bold {
		width *= 1.08
	}
	return width
}

// px writes a length with at most one digit after the point.
func px(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder has no errors
	return b.String()
}
