package sesameotel_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace"

	sesameotel "github.com/sesame-go/sesame/adapters/otel"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/dirstore"
	"github.com/sesame-go/sesame/store/memstore"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// TestDuration: the histogram is the conventions' one, to the microsecond, with a
// data point for each operation.
func TestDuration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tel, inner := newTelemetry(t), newEngine()
		inner.takes = 20 * time.Millisecond
		s := wrapped(t, tel, inner)
		ctx := t.Context()
		_, err := s.Save(ctx, store.Key{1}, record("data", "ann"))
		require.NoError(t, err)
		for range 3 {
			_, err = s.Load(ctx, store.Key{1})
			require.NoError(t, err)
		}
		require.NoError(t, s.Touch(ctx, store.Key{1}, time.Now()))
		require.NoError(t, s.Delete(ctx, store.Key{1}))
		require.NoError(t, s.Ping(ctx))
		_, err = s.Sweep(ctx, 1)
		require.NoError(t, err)
		_, err = s.Count(ctx) // memstore's own, which takes no time
		require.NoError(t, err)
		_, err = s.Watch(ctx, func(store.Key) {})
		require.NoError(t, err)
		_, err = s.DeleteOwned(ctx, "ann")
		require.NoError(t, err)
		for range s.Owned(ctx, "ann") {
		}

		m := tel.collected()["db.client.operation.duration"]
		require.Equal(t, "s", m.Unit)
		require.Equal(t, metricdata.CumulativeTemporality, m.Data.(metricdata.Histogram[float64]).Temporality)
		counts, sums := make(map[string]uint64), make(map[string]float64)
		for op, points := range tel.durations() {
			require.Len(t, points, 1, op)
			p := points[0]
			require.Equal(t, []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}, p.Bounds)
			require.Equal(t, attributes(attribute.String("db.operation.name", op), attribute.String("db.system.name", "otel_test")), p.Attributes, "the package of the engine")
			counts[op], sums[op] = p.Count, p.Sum
		}
		require.Equal(t, map[string]uint64{"save": 1, "load": 3, "touch": 1, "delete": 1, "ping": 1, "sweep": 1, "count": 1, "watch": 1, "delete_owned": 1, "owned": 1}, counts)
		require.InDelta(t, 0.06, sums["load"], 1e-9)
		require.InDelta(t, 0.02, sums["delete"], 1e-9)
		require.Zero(t, sums["count"])
	})
}

// TestWalk: what the caller does between two entries is not the store's time,
// and a walk that the caller ends or panics in is ended.
func TestWalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tel, inner := newTelemetry(t), newEngine()
		s := wrapped(t, tel, inner)
		for i := range 3 {
			_, err := s.Save(t.Context(), store.Key{byte(i)}, record("data", ""))
			require.NoError(t, err)
		}
		inner.takes = 20 * time.Millisecond
		ctx, end := tel.request()
		for range s.All(ctx) {
			time.Sleep(time.Second)
		}
		for range s.All(ctx) {
			break
		}
		require.Panics(t, func() {
			for range s.All(ctx) {
				panic("in the caller")
			}
		})
		inner.fail = errDown
		for _, err := range s.All(ctx) {
			require.ErrorIs(t, err, errDown)
		}
		end()

		counts, sum := map[string]uint64{}, 0.0
		for _, p := range tel.durations()["all"] {
			outcome, _ := p.Attributes.Value("error.type")
			counts[outcome.AsString()] += p.Count
			sum += p.Sum
		}
		require.Equal(t, map[string]uint64{"": 3, "*errors.errorString": 1}, counts)
		require.InDelta(t, 4*0.02, sum, 1e-9)
		spans := tel.spans.GetSpans()
		require.Len(t, spans, 5)
		require.Equal(t, "all sessions", spans[0].Name)
		require.Equal(t, 3020*time.Millisecond, spans[0].EndTime.Sub(spans[0].StartTime))
		require.Equal(t, codes.Error, spans[3].Status.Code)
	})
}

// TestOutcome: what a store answers by an error is no failure, and a failure has
// a type.
func TestOutcome(t *testing.T) {
	for _, test := range []struct {
		err     error
		outcome attribute.KeyValue
		failed  bool
	}{
		{nil, attribute.KeyValue{}, false},
		{store.ErrNotFound, attribute.String("db.response.status_code", "not_found"), false},
		{store.ErrExpired, attribute.String("db.response.status_code", "expired"), false},
		{store.ErrConflict, attribute.String("db.response.status_code", "conflict"), false},
		{errors.ErrUnsupported, attribute.String("db.response.status_code", "unsupported"), false},
		{store.ErrCorrupt, attribute.String("error.type", "corrupt"), true},
		{store.ErrFull, attribute.String("error.type", "full"), true},
		{context.DeadlineExceeded, attribute.String("error.type", "timeout"), true},
		{context.Canceled, attribute.String("error.type", "canceled"), true},
		{sql.ErrConnDone, attribute.String("error.type", "*errors.errorString"), true},
		{coded{}, attribute.String("error.type", "08006"), true},
	} {
		t.Run(fmt.Sprint(test.err), func(t *testing.T) {
			tel, inner := newTelemetry(t), newEngine()
			s := wrapped(t, tel, inner)
			if inner.fail = test.err; test.err != nil {
				inner.fail = fmt.Errorf("about the session of ann: %w", test.err)
			}
			ctx, end := tel.request()
			err := s.Delete(ctx, store.Key{1})
			require.Equal(t, inner.fail, err, "as it is")
			end()

			p := tel.durations()["delete"][0].Attributes
			span := tel.spans.GetSpans()[0]
			inSpan := attribute.NewSet(span.Attributes...)
			for _, key := range []attribute.Key{"db.response.status_code", "error.type"} {
				want, ok := "", key == test.outcome.Key
				if ok {
					want = test.outcome.Value.AsString()
				}
				for _, set := range []attribute.Set{p, inSpan} {
					got, has := set.Value(key)
					require.Equal(t, ok, has, key)
					require.Equal(t, want, got.AsString())
				}
			}
			require.Equal(t, test.failed, span.Status.Code == codes.Error)
			require.Empty(t, span.Status.Description, "it may name a session or an owner")
			require.Empty(t, span.Events)
		})
	}
}

type coded struct{}

func (coded) Error() string     { return "connection failure" }
func (coded) ErrorType() string { return "08006" }

// TestSpans: spans are the request's children and the driver's parents, and there
// are none outside of a trace.
func TestSpans(t *testing.T) {
	tel, inner := newTelemetry(t), newEngine()
	s := wrapped(t, tel, inner, sesameotel.WithAttributes(attribute.String("db.collection.name", "sessions_v2"), attribute.String("server.address", "db1")))
	_, err := s.Load(t.Context(), store.Key{1})
	require.ErrorIs(t, err, store.ErrNotFound)
	require.Empty(t, tel.spans.GetSpans())
	require.Equal(t, t.Context(), inner.given)
	require.Len(t, tel.durations()["load"], 1, "it is measured all the same")

	ctx, end := tel.request()
	_, err = s.Load(ctx, store.Key{1})
	require.ErrorIs(t, err, store.ErrNotFound)
	inside := trace.SpanContextFromContext(inner.given)
	_, err = s.Watch(ctx, func(store.Key) {})
	require.NoError(t, err)
	require.Equal(t, ctx, inner.given, "watching goes on after the span")
	end()
	spans := tel.spans.GetSpans()
	require.Len(t, spans, 3)
	load, request := spans[0], spans[2]
	require.Equal(t, "load sessions_v2", load.Name)
	require.Equal(t, trace.SpanKindClient, load.SpanKind)
	require.Equal(t, request.SpanContext.SpanID(), load.Parent.SpanID())
	require.Equal(t, inside.SpanID(), load.SpanContext.SpanID())
	require.Equal(t, attributes(
		attribute.String("db.system.name", "otel_test"), attribute.String("db.operation.name", "load"), attribute.String("db.collection.name", "sessions_v2"),
		attribute.String("server.address", "db1"), attribute.String("db.response.status_code", "not_found"),
	), attribute.NewSet(load.Attributes...))
	require.Equal(t, "watch sessions_v2", spans[1].Name)
}

// TestSystem: the engine is known by its package, or told.
func TestSystem(t *testing.T) {
	directory, err := dirstore.Open(t.TempDir())
	require.NoError(t, err)
	defer directory.Close()
	database := sql.OpenDB(noDatabase{})
	defer database.Close()
	for _, test := range []struct {
		store   store.Store
		options []sesameotel.Option
		system  string
		kind    trace.SpanKind
	}{
		{memstore.New(), nil, "memstore", trace.SpanKindInternal},
		{directory, nil, "dirstore", trace.SpanKindClient},
		{sqlstore.New(database, sqlstore.PostgreSQL()), nil, "other_sql", trace.SpanKindClient},
		{sqlstore.New(database, sqlstore.PostgreSQL()), []sesameotel.Option{sesameotel.WithAttributes(attribute.String("db.system.name", "postgresql"))}, "postgresql", trace.SpanKindClient},
	} {
		tel := newTelemetry(t)
		ctx, end := tel.request()
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		_, _ = wrapped(t, tel, test.store, test.options...).Load(ctx, store.Key{1})
		end()
		span := tel.spans.GetSpans()[0]
		set := attributes(span.Attributes...)
		got, _ := set.Value("db.system.name")
		require.Equal(t, test.system, got.AsString())
		require.Equal(t, test.kind, span.SpanKind)
	}
}

type noDatabase struct{}

func (noDatabase) Connect(context.Context) (driver.Conn, error) { return nil, errDown }
func (noDatabase) Driver() driver.Driver                        { return nil }
