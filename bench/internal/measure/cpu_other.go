//go:build !unix

package measure

import "time"

var start = time.Now()

// cpuTime is the clock, where processor time cannot be told without more.
func cpuTime() time.Duration { return time.Since(start) }
