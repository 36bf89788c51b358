package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/sesame-go/sesame"
	sesameotel "github.com/sesame-go/sesame/adapters/otel"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/logstore"
)

const (
	visitors = 40
	idle     = 20 * time.Second // short, so that sessions are seen to expire
)

// phase is a time in which something is wrong.
type phase struct {
	name     string
	from, to time.Duration
}

// run serves visitors and samples the metrics, so often.
func run(length, every time.Duration) ([]sample, []phase, error) {
	dir, err := os.MkdirTemp("", "dashboard")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file, err := logstore.Open(filepath.Join(dir, "sessions.db"))
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = file.Close() }()

	reader := metric.NewManualReader()
	meters := sesameotel.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(reader)))
	engine := &moody{Store: file}
	sessions := sesame.New[session](
		sesame.WithStore(sesameotel.Store(engine, meters)),
		sesame.WithObserver(sesameotel.Observer(meters)),
		sesame.WithIdleTimeout(idle),
		sesame.WithInsecureCookie(),
		sesame.WithLogger(slog.New(slog.DiscardHandler)),
	)
	if _, err := sesameotel.LiveSessions(sessions, meters); err != nil {
		return nil, nil, err
	}
	server := httptest.NewServer(shop(sessions))
	defer server.Close()
	transport := &http.Transport{MaxIdleConnsPerHost: 2 * visitors}
	defer transport.CloseIdleConnections()

	ctx, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()
	var crowd sync.WaitGroup
	for i := range visitors {
		crowd.Go(func() {
			visitor := visitor{transport: transport, url: server.URL, n: i}
			for ctx.Err() == nil {
				visitor.visit(ctx)
			}
		})
	}
	phases := []phase{{"slow", length * 3 / 10, length * 4 / 10}, {"down", length * 6 / 10, length * 65 / 100}}
	began := time.Now()
	go engine.follow(ctx, phases)
	var samples []sample
	for tick := time.NewTicker(every); ctx.Err() == nil; {
		s, err := collect(context.Background(), reader, time.Since(began))
		if err != nil {
			return nil, nil, err
		}
		samples = append(samples, s)
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	crowd.Wait()
	return samples, phases, nil
}

// moody is a store that is slow in the first phase, and down in the second.
type moody struct {
	*logstore.Store
	mood atomic.Int32
}

const (
	well = iota
	slow
	down
)

var errDown = errors.New("the store is down")

func (m *moody) follow(ctx context.Context, phases []phase) {
	began := time.Now()
	for i, p := range phases {
		for at, mood := range map[time.Duration]int32{p.from: int32(slow + i), p.to: well} {
			time.AfterFunc(at-time.Since(began), func() { m.mood.Store(mood) })
		}
	}
	<-ctx.Done()
}

func (m *moody) call(ctx context.Context) error {
	switch m.mood.Load() {
	case down:
		return errDown
	case slow:
		select {
		case <-time.After(40 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (m *moody) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if err := m.call(ctx); err != nil {
		return store.Record{}, err
	}
	return m.Store.Load(ctx, k)
}

func (m *moody) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if err := m.call(ctx); err != nil {
		return 0, err
	}
	return m.Store.Save(ctx, k, r)
}

func (m *moody) Delete(ctx context.Context, k store.Key) error {
	if err := m.call(ctx); err != nil {
		return err
	}
	return m.Store.Delete(ctx, k)
}
