package measure

import (
	"fmt"

	"golang.org/x/perf/benchmath"
)

// Estimate is a median and how far the true one may be away, at a confidence
// of 95 percent, as benchstat has it: without assuming any distribution.
type Estimate struct{ benchmath.Summary }

// Median estimates the median of values.
func Median(values []float64) Estimate {
	own := append([]float64(nil), values...) // it is sorted
	return Estimate{benchmath.AssumeNothing.Summary(benchmath.NewSample(own, &benchmath.DefaultThresholds), 0.95)}
}

// Ratio estimates how many times as much as base others cost, from the ratio
// of each round. Rounds that one of them lacks are left out.
func Ratio(others, base []float64) Estimate {
	n := min(len(others), len(base))
	ratios := make([]float64, 0, n)
	for i := range n {
		if base[i] > 0 {
			ratios = append(ratios, others[i]/base[i])
		}
	}
	if len(ratios) == 0 {
		return Estimate{}
	}
	return Median(ratios)
}

// Range is the interval in percent of the median, "±3%".
func (e Estimate) Range() string { return "±" + e.PctRangeString() }

// String is the median and its range: "12.3 ±3%".
func (e Estimate) String() string { return fmt.Sprintf("%.3g %s", e.Center, e.Range()) }
