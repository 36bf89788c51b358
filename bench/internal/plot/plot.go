// Package plot draws bar charts as SVG, for light and for dark pages, with
// nothing but the standard library.
//
//	f := plot.Figure{
//		Title: "Reading a session",
//		Panels: []plot.Panel{{
//			Title:  "medium session, in memory",
//			Axis:   "µs per request",
//			Series: []string{"read", "change"},
//			Groups: []plot.Group{
//				{Name: "sesame", Values: []float64{2.7, 3.2}, Strong: true},
//				{Name: "another", Values: []float64{39, math.NaN()}},
//			},
//			Log: true,
//		}},
//	}
//	err := f.WriteFiles("docs/img/reading") // reading-light.svg, reading-dark.svg
//
// The colours are those of Okabe and Ito, which people who are colour-blind can
// tell apart, and every bar has its value written beside it.
package plot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
)

// A Figure is a drawing of one or more panels.
type Figure struct {
	Title    string
	Subtitle string   // below the title, in small print
	Footer   []string // lines below everything: machine, versions, command
	Columns  int      // panels in a row; 1 if 0
	Width    int      // in pixels; 960 if 0
	Panels   []Panel  // row by row
}

// A Panel is a chart of horizontal bars.
type Panel struct {
	Title  string
	Axis   string   // what is measured, with its unit: "µs per operation"
	Series []string // a name for each of a group's values; named in a legend if there are several
	Groups []Group  // from top to bottom

	// Log makes the axis logarithmic, which is added to its label. Bars begin at
	// Min, and their lengths are no proportions then.
	Log bool

	// Min and Max are the ends of the axis. If 0 they are chosen: Min as 0, or
	// as the power of ten below all values if Log is set. To draw several
	// panels on one scale, give all the same Max, and Min if Log is set.
	Min, Max float64

	// Format writes a value beside its bar. Three digits if nil.
	Format func(float64) string
}

// A Group is what one thing that is compared has: a bar for each series.
type Group struct {
	Name   string
	Values []float64 // one for each series; NaN for none
	Strong bool      // its name is set in bold type
}

// WriteSVG draws f.
//
// It is an error if a group has another number of values than there are series,
// or if a value cannot be drawn: below 0, infinite, 0 or less on a logarithmic axis.
func (f Figure) WriteSVG(w io.Writer, t Theme) error {
	for _, p := range f.Panels {
		if err := p.check(); err != nil {
			return fmt.Errorf("plot: %s: %w", p.Title, err)
		}
	}
	d := &drawing{theme: t}
	d.figure(f)
	_, err := d.WriteTo(w)
	return err
}

// WriteFiles writes path-light.svg and path-dark.svg. Neither is touched if
// drawing fails.
func (f Figure) WriteFiles(path string) error {
	drawn := map[string]*bytes.Buffer{"light": {}, "dark": {}}
	for name, theme := range map[string]Theme{"light": Light, "dark": Dark} {
		if err := f.WriteSVG(drawn[name], theme); err != nil {
			return err
		}
	}
	for name, buf := range drawn {
		if err := os.WriteFile(path+"-"+name+".svg", buf.Bytes(), 0o644); err != nil {
			return fmt.Errorf("plot: %w", err)
		}
	}
	return nil
}

var errNothing = errors.New("there is nothing to draw")

func (p Panel) check() error {
	some := false
	for _, g := range p.Groups {
		if len(g.Values) != len(p.Series) {
			return fmt.Errorf("%s has %d values for %d series", g.Name, len(g.Values), len(p.Series))
		}
		for _, v := range g.Values {
			if v < 0 || math.IsInf(v, 0) || p.Log && v == 0 {
				return fmt.Errorf("%s has the value %v, which cannot be drawn", g.Name, v)
			}
			some = some || !math.IsNaN(v)
		}
	}
	if !some {
		return errNothing
	}
	return nil
}

// Three writes a number with three digits: 0.123, 1.23, 12.3, 123, 12300.
func Three(v float64) string {
	if v == 0 {
		return "0"
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// Whole writes a number without a fraction.
func Whole(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }
