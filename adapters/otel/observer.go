package sesameotel

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
)

const (
	kindKey      = attribute.Key("sesame.event.kind")
	endReasonKey = attribute.Key("sesame.session.end_reason")
)

// Observer returns a function for [sesame.WithObserver] that counts events, and
// sessions that are created and ended. It is safe for concurrent use, and several
// managers may share it.
func Observer(opts ...Option) func(context.Context, sesame.Event) {
	c := newConfig(opts)
	o := &observer{attrs: c.attrs, events: counter(&c, "sesame.session.events", "{event}", "Events of sessions, by kind.")}
	o.created = counter(&c, "sesame.session.created", "{session}", "Sessions that were stored for the first time.")
	o.ended = counter(&c, "sesame.session.ended", "{session}", "Sessions that ended, by reason.")
	o.plain = o.with()
	o.kinds = make(map[sesame.EventKind]metric.MeasurementOption, len(kinds))
	for _, kind := range kinds {
		o.kinds[kind] = o.with(kindKey.String(string(kind)))
	}
	o.reasons = make(map[sesame.EventKind]metric.MeasurementOption, len(reasons))
	for kind, reason := range reasons {
		o.reasons[kind] = o.with(endReasonKey.String(reason))
	}
	return o.observe
}

type observer struct {
	events, created, ended metric.Int64Counter
	attrs                  []attribute.KeyValue
	plain                  metric.MeasurementOption
	kinds, reasons         map[sesame.EventKind]metric.MeasurementOption
}

// kinds are those whose attributes are made beforehand: they come with requests
// that go well.
var kinds = []sesame.EventKind{
	sesame.EventCreated, sesame.EventLoaded, sesame.EventSaved, sesame.EventTouched, sesame.EventRenewed, sesame.EventDestroyed, sesame.EventUnknownToken,
}

var reasons = map[sesame.EventKind]string{
	sesame.EventDestroyed: "destroyed",
	sesame.EventRevoked:   "revoked",
	sesame.EventSwept:     "expired", // EventExpired may come several times for one session
}

func (o *observer) observe(ctx context.Context, e sesame.Event) {
	kind, ok := o.kinds[e.Kind]
	if !ok {
		kind = o.with(kindKey.String(string(e.Kind)))
	}
	o.events.Add(ctx, 1, kind)
	if e.Kind == sesame.EventCreated {
		o.created.Add(ctx, 1, o.plain)
	}
	if reason, ok := o.reasons[e.Kind]; ok {
		o.ended.Add(ctx, int64(max(e.Count, 1)), reason)
	}
}

func (o *observer) with(attrs ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(slices.Clip(o.attrs), attrs...)...))
}

func counter(c *config, name, unit, description string) metric.Int64Counter {
	i, err := c.meter().Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	if err != nil {
		otel.Handle(err) // what it returns does nothing
	}
	return i
}

// LiveSessions registers the gauge sesame.session.count: how many sessions live,
// as c counts them each time that metrics are collected. A *sesame.Manager is such
// a counter. Redis and NATS do not count, so there a manager walks through all
// sessions: collect rarely, or have one process do it. Each process reports all
// sessions of its store; do not add them up.
//
// If counting fails, the collection goes on without the gauge, and otel.Handle is
// given the error. The gauge stays until it is unregistered.
func LiveSessions(c store.Counter, opts ...Option) (metric.Registration, error) {
	cfg := newConfig(opts)
	meter := cfg.meter()
	gauge, err := meter.Int64ObservableGauge("sesame.session.count", metric.WithUnit("{session}"), metric.WithDescription("Sessions that live in the store."))
	if err != nil {
		return nil, err
	}
	attrs := metric.WithAttributeSet(attribute.NewSet(cfg.attrs...))
	return meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		n, err := c.Count(ctx)
		if err == nil {
			o.ObserveInt64(gauge, int64(n), attrs)
		}
		return err
	}, gauge)
}
