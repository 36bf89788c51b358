package main

import (
	"context"
	"math"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// sample is what the metrics say at one moment. All but live only ever grow.
type sample struct {
	at                     time.Duration
	live, created          float64
	ended, events          map[string]float64
	calls, failed, seconds map[string]float64 // by operation
}

func collect(ctx context.Context, reader metric.Reader, at time.Duration) (sample, error) {
	s := sample{at: at, live: math.NaN()}
	var all metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &all); err != nil && len(all.ScopeMetrics) == 0 {
		return s, err
	}
	s.calls, s.failed, s.seconds = map[string]float64{}, map[string]float64{}, map[string]float64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Gauge[int64]:
				s.live = float64(data.DataPoints[0].Value)
			case metricdata.Sum[int64]:
				switch m.Name {
				case "sesame.session.created":
					s.created = by(data, "")[""]
				case "sesame.session.ended":
					s.ended = by(data, "sesame.session.end_reason")
				case "sesame.session.events":
					s.events = by(data, "sesame.event.kind")
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					operation := text(p.Attributes, "db.operation.name")
					s.calls[operation] += float64(p.Count)
					s.seconds[operation] += p.Sum
					if text(p.Attributes, "error.type") != "" {
						s.failed[operation] += float64(p.Count)
					}
				}
			}
		}
	}
	return s, nil
}

func by(data metricdata.Sum[int64], key attribute.Key) map[string]float64 {
	sums := make(map[string]float64)
	for _, p := range data.DataPoints {
		sums[text(p.Attributes, key)] += float64(p.Value)
	}
	return sums
}

func text(set attribute.Set, key attribute.Key) string {
	v, _ := set.Value(key)
	return v.AsString()
}

// point is a value at a time.
type point struct {
	at time.Duration
	v  float64
}

func values(samples []sample, of func(sample) float64) (points []point) {
	for _, s := range samples {
		points = append(points, point{s.at, of(s)})
	}
	return points
}

// rate is by how much a value has grown each second, over three samples.
func rate(samples []sample, of func(sample) float64) (points []point) {
	const over = 3
	for i := over; i < len(samples); i++ {
		a, b := samples[i-over], samples[i]
		points = append(points, point{b.at, (of(b) - of(a)) / (b.at - a.at).Seconds()})
	}
	return points
}

func rates(samples []sample, of func(sample) map[string]float64, names ...string) (lines []line) {
	for _, name := range names {
		lines = append(lines, line{name, rate(samples, func(s sample) float64 { return of(s)[name] })})
	}
	return lines
}

// latencies are means in milliseconds.
func latencies(samples []sample, operations ...string) (lines []line) {
	for _, op := range operations {
		calls := rate(samples, func(s sample) float64 { return s.calls[op] })
		took := rate(samples, func(s sample) float64 { return s.seconds[op] })
		for i := range took {
			took[i].v = 1000 * took[i].v / calls[i].v
		}
		lines = append(lines, line{op, took})
	}
	return lines
}
