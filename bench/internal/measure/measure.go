// Package measure runs things in turns, so that what slows the machine down
// slows all of them down, and their ratios hold.
package measure

import (
	"runtime"
	"time"
)

// Subject is what is measured.
type Subject struct {
	Name    string
	Least   int         // operations in a slice, however long they take
	Prepare func(n int) // nil, or makes ready for n operations; not measured
	Run     func(n int) // does n operations
}

// Slice is what n operations have cost.
type Slice struct {
	N             int
	Wall, CPU     time.Duration // CPU is the whole process's
	Bytes, Allocs uint64
}

// Per divides by the number of operations.
func (s Slice) Per(total float64) float64 { return total / float64(s.N) }

// ballast is a program's other data. On an empty heap the garbage collector would run
// every few megabytes, which would distort the results of short operations most.
const ballast = 16 << 20

// Rounds runs each subject for about the length of a slice, then each again,
// and so on. It returns the slices of each subject, one of each round. Garbage
// is collected before each slice, so that no subject cleans up after another; the
// garbage of a slice's own that is collected within it counts.
func Rounds(subjects []Subject, rounds int, slice time.Duration) [][]Slice {
	other := make([]byte, ballast)
	defer runtime.KeepAlive(other)
	ns := make([]int, len(subjects))
	for i, s := range subjects {
		warm := calibrate(s, 1, slice) // connections are made, buffers have grown
		ns[i] = calibrate(s, warm/4, slice)
	}
	slices := make([][]Slice, len(subjects))
	for range rounds {
		for i, s := range subjects {
			slices[i] = append(slices[i], s.measure(ns[i]))
		}
	}
	return slices
}

// calibrate finds how many operations take the length of a slice, by the
// quickest of three tries, since a stall would make it a few.
func calibrate(s Subject, from int, slice time.Duration) int {
	for n := max(from, s.Least, 1); ; n *= 2 {
		took := s.time(n)
		for try := 0; try < 2 && took >= slice/2; try++ {
			took = min(took, s.time(n))
		}
		if took >= slice/2 {
			return max(s.Least, int(float64(n)*float64(slice)/float64(took)), 1)
		}
	}
}

func (s Subject) time(n int) time.Duration {
	if s.Prepare != nil {
		s.Prepare(n)
	}
	start := time.Now()
	s.Run(n)
	return time.Since(start)
}

func (s Subject) measure(n int) Slice {
	if s.Prepare != nil {
		s.Prepare(n)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	cpu, start := cpuTime(), time.Now()
	s.Run(n)
	wall := time.Since(start)
	cpu = cpuTime() - cpu
	runtime.ReadMemStats(&after)
	return Slice{n, wall, cpu, after.TotalAlloc - before.TotalAlloc, after.Mallocs - before.Mallocs}
}
