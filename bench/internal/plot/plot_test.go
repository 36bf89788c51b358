package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func figure() Figure {
	return Figure{
		Title: "A < B & \"C\"", Subtitle: "sub", Footer: []string{"foot"}, Columns: 2,
		Panels: []Panel{
			{Title: "linear", Axis: "bytes", Series: []string{"one", "two"}, Format: Whole, Max: 200, Groups: []Group{
				{Name: "a", Values: []float64{100, 200}, Strong: true},
				{Name: "<b>", Values: []float64{50, math.NaN()}},
			}},
			{Title: "log", Axis: "µs", Series: []string{"t"}, Log: true, Min: 1, Max: 100, Groups: []Group{
				{Name: "x", Values: []float64{10}}, {Name: "y", Values: []float64{100}}, {Name: "z", Values: []float64{1}},
			}},
		},
	}
}

// element is what the tests want to know of an SVG.
type element struct {
	XMLName  xml.Name
	Width    float64   `xml:"width,attr"`
	Text     string    `xml:",chardata"`
	Title    string    `xml:"title"`
	Children []element `xml:",any"`
}

func draw(t *testing.T, f Figure, theme Theme) element {
	t.Helper()
	var buf bytes.Buffer
	require.NoError(t, f.WriteSVG(&buf, theme))
	var root element
	require.NoError(t, xml.Unmarshal(buf.Bytes(), &root))
	require.Equal(t, "svg", root.XMLName.Local)
	return root
}

// bars are the lengths of all bars, by what they say.
func bars(root element) map[string]float64 {
	found := map[string]float64{}
	for _, e := range root.Children {
		if e.XMLName.Local == "rect" && e.Title != "" {
			found[e.Title] = e.Width
		}
	}
	return found
}

func TestBarsHaveTheRightLengths(t *testing.T) {
	for _, theme := range []Theme{Light, Dark} {
		b := bars(draw(t, figure(), theme))
		require.Len(t, b, 6)
		full := b["a, two: 200"]
		require.Greater(t, full, 100.0)
		require.InDelta(t, full/2, b["a, one: 100"], 0.2)
		require.InDelta(t, full/4, b["<b>, one: 50"], 0.2)
		// The same room, on a logarithmic scale from 1 to 100.
		require.InDelta(t, full, b["y, t: 100"], 0.2)
		require.InDelta(t, full/2, b["x, t: 10.0"], 0.2)
		require.Zero(t, b["z, t: 1.00"])
	}
}

func TestTextIsThere(t *testing.T) {
	var texts []string
	for _, e := range draw(t, figure(), Light).Children {
		texts = append(texts, e.Text)
	}
	for _, want := range []string{"A < B & \"C\"", "sub", "foot", "linear", "bytes", "one", "two", "a", "<b>", "200", "µs, logarithmic", "10.0"} {
		require.Contains(t, texts, want)
	}
	require.NotContains(t, texts, "t", "a single series needs no legend")
}

func TestBarsStayInTheDrawing(t *testing.T) {
	f := figure()
	f.Panels[0].Max = 60 // less than the largest
	f.Width = 700
	for says, width := range bars(draw(t, f, Light)) {
		require.GreaterOrEqual(t, width, 0.0, says)
		require.Less(t, width, 350.0, says)
	}
}

func TestAxis(t *testing.T) {
	panel := func(log bool, values ...float64) Panel {
		return Panel{Log: log, Series: make([]string, len(values)), Groups: []Group{{Values: values}}}
	}
	a := newAxis(panel(false, 3, 37))
	require.Equal(t, []float64{0, 10, 20, 30}, a.ticks)
	require.InDelta(t, 1, a.at(37), 1e-9)

	a = newAxis(panel(true, 0.25, 50))
	require.InDeltaSlice(t, []float64{0.1, 1, 10}, a.ticks, 1e-9)
	require.Zero(t, a.at(0.1))

	a = newAxis(panel(true, 1, 1))
	require.InDelta(t, 0.1, a.min, 1e-9)
	require.Positive(t, a.at(1))

	require.Equal(t, []float64{0}, newAxis(panel(false, 0)).ticks[:1])
	for i, step := range []float64{0.2, 1, 2, 5, 10, 50} {
		require.InDelta(t, step, niceStep([]float64{0.15, 1, 1.1, 3, 5.1, 49}[i]), 1e-9)
	}
}

func TestNumbers(t *testing.T) {
	for want, v := range map[string]float64{"0": 0, "0.123": 0.12345, "1.23": 1.234, "12.3": 12.34, "123": 123.4, "12345": 12345, "0.0123": 0.01234} {
		require.Equal(t, want, Three(v))
	}
	require.Equal(t, "3", Whole(2.6))
	require.Equal(t, "0.3", tick(0.1+0.2))
	require.Equal(t, "1000000", tick(1e6))
}

func TestRefusesWhatCannotBeDrawn(t *testing.T) {
	for says, change := range map[string]func(*Figure){
		"2 values for 1 series":    func(f *Figure) { f.Panels[0].Series = []string{"one"} },
		"<b> has the value -1":     func(f *Figure) { f.Panels[0].Groups[1].Values[0] = -1 },
		"the value +Inf":           func(f *Figure) { f.Panels[0].Groups[1].Values[0] = math.Inf(1) },
		"log: x has the value 0":   func(f *Figure) { f.Panels[1].Groups[0].Values[0] = 0 },
		"there is nothing to draw": func(f *Figure) { f.Panels[1].Groups = nil },
	} {
		f := figure()
		change(&f)
		require.ErrorContains(t, f.WriteSVG(io.Discard, Light), says)
	}
	require.ErrorIs(t, figure().WriteSVG(full{}, Light), errFull)
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p")
	require.NoError(t, figure().WriteFiles(path))
	for name, theme := range map[string]Theme{"light": Light, "dark": Dark} {
		data, err := os.ReadFile(path + "-" + name + ".svg")
		require.NoError(t, err)
		require.Contains(t, string(data), theme.Background)
	}
	require.ErrorContains(t, figure().WriteFiles(filepath.Join(path, "no", "such")), "plot: ")
}

// TestContrast keeps text and bars apart from the page, as WCAG 2.2 measures
// it: 4.5 for text, and here 2 for bars, which have their values beside them.
func TestContrast(t *testing.T) {
	for _, theme := range []Theme{Light, Dark} {
		for _, text := range []string{theme.Text, theme.Muted} {
			require.GreaterOrEqual(t, contrast(t, text, theme.Background), 4.5, text)
		}
		for _, bar := range theme.Bars {
			require.GreaterOrEqual(t, contrast(t, bar, theme.Background), 2.0, bar)
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	luminance := func(colour string) float64 {
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#")[2*i:2*i+2], 16, 8)
			require.NoError(t, err)
			c := float64(n) / 255
			if c <= 0.04045 {
				c /= 12.92
			} else {
				c = math.Pow((c+0.055)/1.055, 2.4)
			}
			sum += weight * c
		}
		return sum
	}
	high, low := luminance(a), luminance(b)
	return (max(high, low) + 0.05) / (min(high, low) + 0.05)
}
