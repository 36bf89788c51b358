// Package expiry bounds the times that stores keep as numbers.
package expiry

import "time"

// lastSecond ends the year 9999.
const lastSecond = 253_402_300_799

// Clamp returns t, or the nearer limit if t is out of the range of the years
// 1970 to 9999: as past or as distant, but with a number of microseconds since
// 1970 that is not negative. Where such a number ends, after 290 000 years, the
// past would begin again.
func Clamp(t time.Time) time.Time {
	switch s := t.Unix(); {
	case s < 0:
		return time.Unix(0, 0)
	case s > lastSecond:
		return time.Unix(lastSecond, 999_999_999)
	}
	return t
}
