package sesameotel

import (
	"slices"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

const scope = "github.com/sesame-go/sesame/adapters/otel"

// Option changes a default of [Observer], [LiveSessions] and [Store].
type Option interface{ apply(*config) }

type option func(*config)

func (o option) apply(c *config) { o(c) }

type config struct {
	meters   metric.MeterProvider
	tracers  trace.TracerProvider
	attrs    []attribute.KeyValue
	identity bool
}

func newConfig(opts []Option) config {
	c := config{meters: otel.GetMeterProvider(), tracers: otel.GetTracerProvider()}
	for _, o := range opts {
		if o == nil {
			panic("sesameotel: an option is nil; leave it out")
		}
		o.apply(&c)
	}
	return c
}

func (c *config) meter() metric.Meter {
	return c.meters.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL))
}

// WithMeterProvider sets what metrics go to. The default is the global provider,
// otel.GetMeterProvider.
func WithMeterProvider(p metric.MeterProvider) Option {
	if p == nil {
		panic("sesameotel: WithMeterProvider(nil): leave it out for the global one")
	}
	return option(func(c *config) { c.meters = p })
}

// WithTracerProvider sets what spans go to. The default is the global provider,
// otel.GetTracerProvider.
func WithTracerProvider(p trace.TracerProvider) Option {
	if p == nil {
		panic("sesameotel: WithTracerProvider(nil): leave it out for the global one")
	}
	return option(func(c *config) { c.tracers = p })
}

// WithAttributes adds attributes to all metrics and spans, such as
// semconv.DBNamespace, semconv.ServerAddress, or one that tells two managers of a
// program apart. They take the place of what [Store] finds out by itself:
// db.system.name, for instance, is only other_sql for an sqlstore. With
// semconv.DBCollectionName spans are named after the table. The default is none.
func WithAttributes(attrs ...attribute.KeyValue) Option {
	attrs = slices.Clone(attrs)
	return option(func(c *config) { c.attrs = append(c.attrs, attrs...) })
}

// WithIdentity adds to the spans of [Store] the session's ID as session.id, the
// owner as user.id, and the text of errors, which may name either. Metrics never
// have them. An ID is no credential, but it tells which requests belong together,
// and who reads traces then reads that. The default is none of it.
func WithIdentity() Option { return option(func(c *config) { c.identity = true }) }
