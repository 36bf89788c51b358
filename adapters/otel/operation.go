package sesameotel

import (
	"context"
	"errors"
	"path"
	"reflect"
	"slices"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/dbconv"
	"go.opentelemetry.io/otel/trace"

	"github.com/sesame-go/sesame/store"
)

// boundaries are those that the conventions advise, in seconds.
var boundaries = []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}

// instruments are what all operations of a store share.
type instruments struct {
	tracer   trace.Tracer
	kind     trace.SpanKind
	duration dbconv.ClientOperationDuration
	identity bool
}

// operation is one method of a store.
type operation struct {
	*instruments
	spanName string
	attrs    []attribute.KeyValue  // of spans, and of metrics that have more
	answered attribute.Set         // of metrics that have not
	starting trace.SpanStartOption // with attrs and kind
}

// newOperations returns a function that makes the operations of a store.
func newOperations(s store.Store, opts []Option) func(name string) operation {
	c := newConfig(opts)
	duration, err := dbconv.NewClientOperationDuration(c.meter(), metric.WithExplicitBucketBoundaries(boundaries...))
	if err != nil {
		otel.Handle(err) // what it returns does nothing
	}
	i := &instruments{tracer: c.tracers.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL)), duration: duration, identity: c.identity}
	var system attribute.KeyValue
	system, i.kind = systemOf(s)
	given := attribute.NewSet(append([]attribute.KeyValue{system}, c.attrs...)...) // the last of a key counts
	target := "sessions"
	if table, ok := given.Value(semconv.DBCollectionNameKey); ok {
		target = table.String()
	}
	return func(name string) operation {
		attrs := append(given.ToSlice(), semconv.DBOperationName(name))
		return operation{
			instruments: i, spanName: name + " " + target,
			attrs: attrs, answered: attribute.NewSet(attrs...), starting: trace.WithAttributes(attrs...),
		}
	}
}

// systemOf names the engine of the innermost store, and says whether calls leave
// the program's memory.
func systemOf(s store.Store) (attribute.KeyValue, trace.SpanKind) {
	for {
		w, ok := s.(interface{ Unwrap() store.Store })
		if !ok {
			break
		}
		s = w.Unwrap()
	}
	t := reflect.TypeOf(s)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch name := path.Base(t.PkgPath()); name {
	case "memstore":
		return semconv.DBSystemNameKey.String(name), trace.SpanKindInternal
	case "redisstore":
		return semconv.DBSystemNameRedis, trace.SpanKindClient
	case "natsstore":
		return semconv.DBSystemNameKey.String("nats"), trace.SpanKindClient
	case "sqlstore":
		return semconv.DBSystemNameOtherSQL, trace.SpanKindClient
	default:
		return semconv.DBSystemNameKey.String(name), trace.SpanKindClient
	}
}

// call is one that is under way.
type call struct {
	*operation
	ctx   context.Context // with the span
	span  trace.Span      // nil outside of a trace
	began time.Time
	aside time.Duration // that the store has waited for its caller
}

func (o *operation) begin(ctx context.Context) call {
	c := call{operation: o, ctx: ctx, began: time.Now()}
	if trace.SpanContextFromContext(ctx).IsValid() {
		c.ctx, c.span = o.tracer.Start(ctx, o.spanName, o.starting, trace.WithSpanKind(o.kind))
	}
	return c
}

// about names the session and the owner in the span, if that was asked for.
func (c *call) about(k *store.Key, owner string) {
	if !c.identity || c.span == nil || !c.span.IsRecording() {
		return
	}
	if k != nil {
		c.span.SetAttributes(semconv.SessionID(k.String()))
	}
	if owner != "" {
		c.span.SetAttributes(semconv.UserID(owner))
	}
}

func (c *call) end(err error) {
	took := time.Since(c.began) - c.aside
	set := c.answered
	outcome, failed := outcomeOf(err)
	if outcome.Valid() {
		set = attribute.NewSet(append(slices.Clip(c.attrs), outcome)...)
	}
	c.duration.RecordSet(c.ctx, took.Seconds(), set)
	if c.span == nil {
		return
	}
	if outcome.Valid() {
		c.span.SetAttributes(outcome)
	}
	if failed {
		text := ""
		if c.identity {
			text = err.Error()
		}
		c.span.SetStatus(codes.Error, text)
	}
	c.span.End()
}

// outcomeOf says what came of a call, if that is worth saying. Not all that a
// store answers with an error is a failure.
func outcomeOf(err error) (outcome attribute.KeyValue, failed bool) {
	switch {
	case err == nil:
		return outcome, false
	case errors.Is(err, store.ErrExpired):
		return semconv.DBResponseStatusCode("expired"), false
	case errors.Is(err, store.ErrNotFound):
		return semconv.DBResponseStatusCode("not_found"), false
	case errors.Is(err, store.ErrConflict):
		return semconv.DBResponseStatusCode("conflict"), false
	case errors.Is(err, errors.ErrUnsupported):
		return semconv.DBResponseStatusCode("unsupported"), false
	case errors.Is(err, store.ErrCorrupt):
		return semconv.ErrorTypeKey.String("corrupt"), true
	case errors.Is(err, store.ErrFull):
		return semconv.ErrorTypeKey.String("full"), true
	case errors.Is(err, context.DeadlineExceeded):
		return semconv.ErrorTypeKey.String("timeout"), true
	case errors.Is(err, context.Canceled):
		return semconv.ErrorTypeKey.String("canceled"), true
	}
	return semconv.ErrorType(err), true
}
