package inspect

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// visible returns text of users so that nothing in it is hidden, or changes the
// direction of what is around it: characters that are not seen are written as Go
// does, such as \n and \u202e. html/template escapes the rest.
func visible(s string) string {
	var b strings.Builder
	for i, c := range s {
		switch {
		case c == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(c):
			b.WriteRune(c)
		default:
			quoted := strconv.QuoteRune(c)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

// shorten cuts s to n bytes and says so.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	cut := n
	for cut > n-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + fmt.Sprintf("… (%d bytes)", len(s))
}

// number returns n with a comma between thousands.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// took returns a duration of a store's in few digits.
func took(d time.Duration) string {
	switch ms := float64(d) / float64(time.Millisecond); {
	case d <= 0:
		return ""
	case ms < 1:
		return fmt.Sprintf("%.0f µs", ms*1000)
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	default:
		return fmt.Sprintf("%.1f s", ms/1000)
	}
}

// period returns a length of time in words, rounded to what matters.
func period(d time.Duration) string {
	const day = 24 * time.Hour
	d = d.Abs()
	switch {
	case d >= 10*day:
		d = d.Round(day)
	case d >= 10*time.Hour:
		d = d.Round(time.Hour)
	case d >= time.Minute:
		d = d.Round(time.Minute)
	default:
		return fmt.Sprintf("%d s", d/time.Second)
	}
	var all []string
	for _, u := range []struct {
		of   time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "min"}} {
		if n := d / u.of; n > 0 {
			all = append(all, fmt.Sprintf("%d %s", n, u.name))
		}
		d %= u.of
	}
	return strings.Join(all[:min(len(all), 2)], " ")
}

// ago returns a moment as how long ago it is, with the exact time on hover.
func ago(t time.Time) template.HTML {
	switch d := time.Since(t); {
	case t.IsZero():
		return "not known"
	case d < time.Second && d > -time.Second:
		return timeTag(t, "just now", "ago")
	case d < 0:
		return timeTag(t, "in "+period(d), "ago")
	default:
		return timeTag(t, period(d)+" ago", "ago")
	}
}

// lasted returns how long it is since a moment.
func lasted(t time.Time) template.HTML { return timeTag(t, period(time.Since(t)), "ago") }

// clock returns a moment as the time of day, in UTC.
func clock(t time.Time) template.HTML { return timeTag(t, t.UTC().Format("15:04:05"), "clock") }

// full returns a moment with its date, in UTC.
func full(t time.Time) template.HTML {
	return timeTag(t, t.UTC().Format("2006-01-02 15:04:05")+" UTC", "clock")
}

// timeTag is made of what time.Time formats alone, so it needs no escaping.
func timeTag(t time.Time, text, class string) template.HTML {
	exact := t.UTC().Format("2006-01-02 15:04:05.000") + " UTC"
	return template.HTML(`<time class="` + class + `" datetime="` + t.UTC().Format(time.RFC3339Nano) + `" title="` + exact + `">` + text + `</time>`)
}
