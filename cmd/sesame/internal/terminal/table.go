package terminal

import (
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// A Column of a [Table] is as wide as Width, or takes what is left if that is 0.
// When the window is too narrow the columns with the highest Rank go first; 0
// stays.
type Column struct {
	Title string
	Width int
	Rank  int
}

// A Table writes rows as they come, so that it need not know them all.
type Table struct {
	w       io.Writer
	columns []Column // with Width 0 if it is left out
	flexed  int      // the column that takes what is left
	cut     bool     // what is too long
	err     error
}

const (
	gap   = 2
	least = 10 // the width of the column that takes what is left
	most  = 40
)

// NewTable returns a table for a window of so many columns; 0 is no window, where
// nothing is left out or cut.
func NewTable(w io.Writer, window int, columns ...Column) *Table {
	t := &Table{w: w, columns: append([]Column(nil), columns...), cut: window > 0}
	for i, c := range columns {
		if c.Width == 0 {
			t.flexed = i
		}
	}
	t.columns[t.flexed].Width = least
	for window > 0 && t.width() > window && t.drop() {
	}
	if flexed := &t.columns[t.flexed]; flexed.Width > 0 {
		flexed.Width = min(max(window-t.width(), 0)+least, most)
	}
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.Title
	}
	t.Row(titles...)
	return t
}

func (t *Table) width() int {
	width := -gap
	for _, c := range t.columns {
		if c.Width > 0 {
			width += c.Width + gap
		}
	}
	return width
}

// drop leaves a column out, and reports whether there was one.
func (t *Table) drop() bool {
	last := -1
	for i, c := range t.columns {
		if c.Width > 0 && c.Rank > 0 && (last < 0 || c.Rank > t.columns[last].Rank) {
			last = i
		}
	}
	if last < 0 {
		return false
	}
	t.columns[last].Width = 0
	return true
}

// Row writes a row.
func (t *Table) Row(cells ...string) {
	var b strings.Builder
	for i, c := range t.columns {
		switch {
		case c.Width == 0:
			continue
		case t.cut || runewidth.StringWidth(cells[i]) <= c.Width:
			b.WriteString(fit(cells[i], c.Width))
		default:
			b.WriteString(cells[i])
		}
		b.WriteString(strings.Repeat(" ", gap))
	}
	if t.err == nil {
		_, t.err = fmt.Fprintln(t.w, strings.TrimRight(b.String(), " "))
	}
}

// Err returns the first error of the writer.
func (t *Table) Err() error { return t.err }
