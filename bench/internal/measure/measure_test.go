package measure

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRounds(t *testing.T) {
	var order []string
	var prepared, ran int
	record := func(name string) Subject {
		return Subject{
			Name:    name,
			Prepare: func(n int) { prepared += n },
			Run: func(n int) {
				ran += n
				order = append(order, name)
				for range n {
					sink = make([]byte, 1000)
				}
			},
		}
	}
	slices := Rounds([]Subject{record("a"), record("b")}, 3, time.Microsecond)

	require.Equal(t, []string{"a", "b", "a", "b", "a", "b"}, order[len(order)-6:], "in turns")
	require.Equal(t, prepared, ran)
	require.Len(t, slices, 2)
	for _, subject := range slices {
		require.Len(t, subject, 3)
		for _, s := range subject {
			require.Equal(t, subject[0].N, s.N, "the same number in each round")
			require.Positive(t, s.Wall)
			require.GreaterOrEqual(t, s.Per(float64(s.Bytes)), 1000.)
			require.GreaterOrEqual(t, s.Per(float64(s.Allocs)), 1.)
		}
	}
}

var sink []byte

func TestCalibrate(t *testing.T) {
	clock := Subject{Run: func(n int) { time.Sleep(time.Duration(n) * time.Millisecond) }}
	require.LessOrEqual(t, calibrate(clock, 1, 8*time.Millisecond), 8, "it sleeps a millisecond at least")
	clock.Least = 20
	require.Equal(t, 20, calibrate(clock, 1, 8*time.Millisecond))
}

func TestCPUTime(t *testing.T) {
	before := cpuTime()
	for n := 0; cpuTime() == before; n++ {
		runtime.KeepAlive(n)
	}
	require.Greater(t, cpuTime(), before)
}

func TestRatio(t *testing.T) {
	base := []float64{1, 2, 4, 8, 16, 32, 64, 128} // the machine gets slower and slower
	three := make([]float64, len(base))
	for i, b := range base {
		three[i] = 3 * b
	}
	r := Ratio(three, base)
	require.InDelta(t, 3, r.Center, 1e-12)
	require.Equal(t, "3 ±0%", r.String(), "ratios of the same round do not see it")
	require.Equal(t, "12 ±433%", Median([]float64{1, 2, 4, 8, 16, 32, 64, 192}).String(), "the second of eight to the seventh")
	require.Equal(t, []float64{1, 2, 4, 8, 16, 32, 64, 128}, base, "left as it was")
}

func TestRatioOfFew(t *testing.T) {
	require.Equal(t, "2 ±∞", Ratio([]float64{2, 4, 6}, []float64{1, 2}).String(), "two rounds say nothing of the range")
	require.Zero(t, Ratio([]float64{1}, []float64{0}).Center)
}
