package report

import (
	"fmt"
	"strings"
	"time"
)

// table is one of Markdown's; its first row is the head.
type table struct {
	strings.Builder
	rows int
}

func (t *table) row(cells ...string) {
	fmt.Fprintf(t, "| %s |\n", strings.Join(cells, " | "))
	if t.rows++; t.rows == 1 {
		t.WriteString(strings.Repeat("|---", len(cells)) + "|\n")
	}
}

// String is the table, "" if it has a head only.
func (t *table) String() string {
	if t.rows < 2 {
		return ""
	}
	return t.Builder.String()
}

// duration writes nanoseconds with three digits: "2.71 µs".
func duration(ns float64) string {
	switch {
	case ns < 1e3:
		return fmt.Sprintf("%.3g ns", ns)
	case ns < 1e6:
		return fmt.Sprintf("%.3g µs", ns/1e3)
	case ns < 1e9:
		return fmt.Sprintf("%.3g ms", ns/1e6)
	default:
		return time.Duration(ns).Round(10 * time.Millisecond).String()
	}
}

// perSecond writes nanoseconds per request as requests per second: "31.2 k/s".
func perSecond(ns float64) string {
	if n := 1e9 / ns; n < 1e3 {
		return fmt.Sprintf("%.3g/s", n)
	} else if n < 1e6 {
		return fmt.Sprintf("%.3g k/s", n/1e3)
	}
	return fmt.Sprintf("%.3g M/s", 1e3/ns)
}
