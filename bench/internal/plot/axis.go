package plot

import "math"

// axis maps values to a fraction of its length.
type axis struct {
	min, max float64
	log      bool
	ticks    []float64
}

func newAxis(p Panel) axis {
	low, high := math.Inf(1), 0.0
	for _, g := range p.Groups {
		for _, v := range g.Values {
			if !math.IsNaN(v) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	a := axis{min: p.Min, max: p.Max, log: p.Log}
	if p.Log {
		if a.min <= 0 {
			a.min = math.Pow(10, math.Floor(math.Log10(low)))
			if a.min == low {
				a.min /= 10 // else the shortest bar had no length
			}
		}
		if a.max <= a.min {
			a.max = max(high, 10*a.min)
		}
		for v := math.Pow(10, math.Ceil(math.Log10(a.min)-1e-9)); v <= a.max*(1+1e-9); v *= 10 {
			a.ticks = append(a.ticks, v)
		}
		return a
	}
	if a.max <= a.min {
		a.max = high
		if a.max <= a.min {
			a.max = a.min + 1
		}
	}
	step := niceStep((a.max - a.min) / 4)
	for i := math.Ceil(a.min / step); i*step <= a.max*(1+1e-9); i++ {
		a.ticks = append(a.ticks, i*step)
	}
	return a
}

// niceStep is the least of 1, 2 and 5 times a power of ten that is not below v.
func niceStep(v float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 5} {
		if n*unit >= v*(1-1e-9) {
			return n * unit
		}
	}
	return 10 * unit
}

// at is where a value lies, 0 at the beginning of the axis and 1 at its end.
// What is beyond is drawn at the end.
func (a axis) at(v float64) float64 {
	f := (v - a.min) / (a.max - a.min)
	if a.log {
		f = math.Log(v/a.min) / math.Log(a.max/a.min)
	}
	return min(max(f, 0), 1)
}
