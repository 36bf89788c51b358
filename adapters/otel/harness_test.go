package sesameotel_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	sesameotel "github.com/sesame-go/sesame/adapters/otel"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// telemetry takes what the package reports.
type telemetry struct {
	t      testing.TB
	reader *metric.ManualReader
	meters *metric.MeterProvider
	spans  *tracetest.InMemoryExporter
	traces *sdktrace.TracerProvider
}

func newTelemetry(t testing.TB) *telemetry {
	tel := &telemetry{t: t, reader: metric.NewManualReader(), spans: tracetest.NewInMemoryExporter()}
	tel.meters = metric.NewMeterProvider(metric.WithReader(tel.reader))
	tel.traces = sdktrace.NewTracerProvider(sdktrace.WithSyncer(tel.spans))
	return tel
}

func (tel *telemetry) options(more ...sesameotel.Option) []sesameotel.Option {
	return append([]sesameotel.Option{sesameotel.WithMeterProvider(tel.meters), sesameotel.WithTracerProvider(tel.traces)}, more...)
}

// request returns the context of a request that is traced, and a function that
// ends the trace.
func (tel *telemetry) request() (context.Context, func()) {
	ctx, span := tel.traces.Tracer("test").Start(tel.t.Context(), "request")
	return ctx, func() { span.End() }
}

// collected returns the metrics by name.
func (tel *telemetry) collected() map[string]metricdata.Metrics {
	tel.t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(tel.t, tel.reader.Collect(tel.t.Context(), &all))
	found := make(map[string]metricdata.Metrics)
	for _, s := range all.ScopeMetrics {
		require.Equal(tel.t, "github.com/sesame-go/sesame/adapters/otel", s.Scope.Name)
		for _, m := range s.Metrics {
			found[m.Name] = m
		}
	}
	return found
}

// sums returns the values of a counter by what its attribute says.
func (tel *telemetry) sums(name, key string) map[string]int64 {
	tel.t.Helper()
	data, ok := tel.collected()[name].Data.(metricdata.Sum[int64])
	require.True(tel.t, ok, name)
	require.True(tel.t, data.IsMonotonic)
	sums := make(map[string]int64)
	for _, p := range data.DataPoints {
		value, _ := p.Attributes.Value(attribute.Key(key))
		sums[value.AsString()] += p.Value
	}
	return sums
}

// durations returns the data points of the histogram of a store, by operation.
func (tel *telemetry) durations() map[string][]metricdata.HistogramDataPoint[float64] {
	tel.t.Helper()
	data, ok := tel.collected()["db.client.operation.duration"].Data.(metricdata.Histogram[float64])
	require.True(tel.t, ok)
	points := make(map[string][]metricdata.HistogramDataPoint[float64])
	for _, p := range data.DataPoints {
		op, ok := p.Attributes.Value("db.operation.name")
		require.True(tel.t, ok)
		points[op.AsString()] = append(points[op.AsString()], p)
	}
	return points
}

func attributes(pairs ...attribute.KeyValue) attribute.Set { return attribute.NewSet(pairs...) }

// engine is a store with all that a wrapper forwards. It fails and takes its time
// as it is told.
type engine struct {
	*memstore.Store
	fail     error
	takes    time.Duration
	given    context.Context // that of the last call
	watching func(store.Key)
	closed   bool
}

func newEngine() *engine { return &engine{Store: memstore.New()} }

func (e *engine) call(ctx context.Context) error {
	e.given = ctx
	time.Sleep(e.takes)
	return e.fail
}

func (e *engine) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if err := e.call(ctx); err != nil {
		return store.Record{}, err
	}
	return e.Store.Load(ctx, k)
}

func (e *engine) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if err := e.call(ctx); err != nil {
		return 0, err
	}
	return e.Store.Save(ctx, k, r)
}

func (e *engine) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	if err := e.call(ctx); err != nil {
		return err
	}
	return e.Store.Touch(ctx, k, expires)
}

func (e *engine) Delete(ctx context.Context, k store.Key) error {
	if err := e.call(ctx); err != nil {
		return err
	}
	return e.Store.Delete(ctx, k)
}

func (e *engine) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		if err := e.call(ctx); err != nil {
			yield(store.Entry{}, err)
			return
		}
		e.Store.All(ctx)(yield)
	}
}

func (e *engine) Sweep(ctx context.Context, limit int) (int, error) { return limit, e.call(ctx) }

func (e *engine) Watch(ctx context.Context, ended func(store.Key)) (<-chan struct{}, error) {
	e.watching = ended
	return make(chan struct{}), e.call(ctx)
}

func (e *engine) Ping(ctx context.Context) error { return e.call(ctx) }

func (e *engine) Close() error {
	e.closed = true
	return e.fail
}

func record(data, owner string) store.Record {
	return store.Record{Data: []byte(data), Owner: owner, Expires: time.Now().Add(time.Hour)}
}

var errDown = errors.New("the engine is down")
