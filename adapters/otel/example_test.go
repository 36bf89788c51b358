package sesameotel_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/sesame-go/sesame"
	sesameotel "github.com/sesame-go/sesame/adapters/otel"
	"github.com/sesame-go/sesame/store/memstore"
)

type Session struct{ Times int }

// Metrics for Prometheus: the exporter is the SDK's reader, and promhttp serves
// what it has.
func Example_prometheus() {
	exporter, err := prometheus.New()
	if err != nil {
		log.Fatal(err)
	}
	otel.SetMeterProvider(metric.NewMeterProvider(metric.WithReader(exporter)))
	http.Handle("/metrics", promhttp.Handler())

	engine := memstore.New()
	sessions := sesame.New[Session](
		sesame.WithStore(sesameotel.Store(engine)),
		sesame.WithObserver(sesameotel.Observer()),
	)
	if _, err := sesameotel.LiveSessions(sessions); err != nil {
		log.Fatal(err)
	}
	http.Handle("/", sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		sessions.Get(r.Context()).Times++
	})))

	for _, path := range []string{"/", "/", "/metrics"} {
		w := httptest.NewRecorder()
		http.DefaultServeMux.ServeHTTP(w, httptest.NewRequest("GET", "https://example.com"+path, nil))
		for line := range strings.Lines(w.Body.String()) {
			name, labels, _ := strings.Cut(line, "{")
			if strings.HasPrefix(name, "sesame_session_c") {
				_, value, _ := strings.Cut(labels, "} ")
				fmt.Print(name, " ", value)
			}
		}
	}
	// Output:
	// sesame_session_count 2
	// sesame_session_created_total 2
}
