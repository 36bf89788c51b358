package sesameotel_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/metric/metricdata/metricdatatest"

	"github.com/sesame-go/sesame"
	sesameotel "github.com/sesame-go/sesame/adapters/otel"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store"
)

// TestObserver: each event is counted once by its kind, and sessions that it
// tells of by number.
func TestObserver(t *testing.T) {
	tel := newTelemetry(t)
	observe := sesameotel.Observer(tel.options()...)
	kinds := []sesame.EventKind{
		sesame.EventCreated, sesame.EventLoaded, sesame.EventSaved, sesame.EventTouched, sesame.EventRenewed, sesame.EventDestroyed, sesame.EventRevoked,
		sesame.EventExpired, sesame.EventSwept, sesame.EventGone, sesame.EventSuperseded, sesame.EventConflict, sesame.EventCorrupt, sesame.EventUnknownToken,
		sesame.EventAmbiguous, sesame.EventNewer, sesame.EventDropped, sesame.EventLate, sesame.EventCacheable, sesame.EventBound, sesame.EventStale, sesame.EventStoreError, "of tomorrow",
	}
	want := make(map[string]int64)
	for i, kind := range kinds {
		for range i + 1 {
			observe(t.Context(), sesame.Event{Kind: kind, ID: "an-id", Owner: "ann", Field: "Cart", Err: errDown})
			want[string(kind)]++
		}
	}
	require.Equal(t, want, tel.sums("sesame.session.events", "sesame.event.kind"))
	require.Equal(t, map[string]int64{"": 1}, tel.sums("sesame.session.created", ""))

	observe(t.Context(), sesame.Event{Kind: sesame.EventSwept, Count: 100})
	observe(t.Context(), sesame.Event{Kind: sesame.EventRevoked, Count: 20})
	observe(t.Context(), sesame.Event{Kind: sesame.EventExpired}) // is swept later
	require.Equal(t, map[string]int64{"destroyed": 6, "revoked": 7 + 20, "expired": 9 + 100}, tel.sums("sesame.session.ended", "sesame.session.end_reason"))
	for name, unit := range map[string]string{"events": "{event}", "created": "{session}", "ended": "{session}"} {
		require.Equal(t, unit, tel.collected()["sesame.session."+name].Unit)
	}
}

// TestObserverOfTwoManagers: an attribute tells them apart.
func TestObserverOfTwoManagers(t *testing.T) {
	tel := newTelemetry(t)
	for i, name := range []string{"shop", "office"} {
		observe := sesameotel.Observer(tel.options(sesameotel.WithAttributes(attribute.String("site", name)))...)
		for range i + 1 {
			observe(t.Context(), sesame.Event{Kind: sesame.EventCreated})
			observe(t.Context(), sesame.Event{Kind: sesame.EventDestroyed})
		}
	}
	for _, name := range []string{"created", "ended", "events"} {
		factor := int64(1)
		if name == "events" {
			factor = 2
		}
		require.Equal(t, map[string]int64{"shop": factor, "office": 2 * factor}, tel.sums("sesame.session."+name, "site"), name)
	}
}

// TestLiveSessions: the gauge is what the manager counts when it is collected, and
// missing when that fails.
func TestLiveSessions(t *testing.T) {
	tel, inner := newTelemetry(t), newEngine()
	sessions := sesame.New[session](sesame.WithStore(sesameotel.Store(inner, tel.options()...)))
	registration, err := sesameotel.LiveSessions(sessions, tel.options(sesameotel.WithAttributes(attribute.String("site", "shop")))...)
	require.NoError(t, err)
	for n := range int64(3) {
		metricdatatest.AssertEqual(t, metricdata.Metrics{
			Name: "sesame.session.count", Unit: "{session}", Description: "Sessions that live in the store.",
			Data: metricdata.Gauge[int64]{DataPoints: []metricdata.DataPoint[int64]{{Value: n, Attributes: attributes(attribute.String("site", "shop"))}}},
		}, tel.collected()["sesame.session.count"], metricdatatest.IgnoreTimestamp())
		sesametest.Cookie(t, sessions, session{User: "ann"})
	}

	failing := newTelemetry(t)
	_, err = sesameotel.LiveSessions(counting{errDown}, failing.options()...)
	require.NoError(t, err)
	var told []error
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { told = append(told, err) }))
	defer otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))
	var all metricdata.ResourceMetrics
	err = failing.reader.Collect(t.Context(), &all)
	require.ErrorIs(t, errors.Join(append(told, err)...), errDown)
	require.Empty(t, all.ScopeMetrics)

	require.NoError(t, registration.Unregister())
	require.NotContains(t, tel.collected(), "sesame.session.count")
}

type counting struct{ err error }

func (c counting) Count(context.Context) (int, error) { return 7, c.err }

// session is that of these tests.
type session struct{ User, Note string }

func (s session) Owner() string { return s.User }

// site logs in and out, changes the session, and fails.
func site(sessions *sesame.Manager[session]) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		sessions.Renew(r.Context())
		sessions.Get(r.Context()).User = "ann@example.com"
	})
	mux.HandleFunc("/note", func(_ http.ResponseWriter, r *http.Request) {
		sessions.Get(r.Context()).Note = r.FormValue("note")
	})
	mux.HandleFunc("/others", func(w http.ResponseWriter, r *http.Request) {
		n, err := sessions.RevokeOwner(r.Context(), "ann@example.com", sessions.Info(r.Context()).ID)
		fmt.Fprint(w, n, err)
	})
	mux.HandleFunc("/logout", func(_ http.ResponseWriter, r *http.Request) { sessions.Destroy(r.Context()) })
	return sessions.Handler(mux)
}

// traced is a middleware that begins a trace for each request.
func (tel *telemetry) traced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := tel.traces.Tracer("test").Start(r.Context(), "request")
		defer span.End()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// TestPrivacy looks for tokens, IDs and owners in everything that was reported of
// a program that runs, and whose engine names sessions in its errors.
func TestPrivacy(t *testing.T) {
	for _, identity := range []bool{false, true} {
		t.Run(fmt.Sprintf("WithIdentity: %t", identity), func(t *testing.T) {
			tel, inner := newTelemetry(t), newEngine()
			var options []sesameotel.Option
			if identity {
				options = append(options, sesameotel.WithIdentity())
			}
			sessions := sesame.New[session](
				sesame.WithStore(sesameotel.Store(inner, tel.options(options...)...)),
				sesame.WithObserver(sesameotel.Observer(tel.options(options...)...)),
				sesame.WithLogger(slog.New(slog.DiscardHandler)),
			)
			_, err := sesameotel.LiveSessions(sessions, tel.options(options...)...)
			require.NoError(t, err)

			var secrets, ids []string
			note := func(c *http.Cookie) {
				id, secret, _ := strings.Cut(c.Value, ".")
				secrets, ids = append(secrets, c.Value, secret), append(ids, id)
			}
			client := sesametest.NewClient(t, tel.traced(site(sessions)))
			for _, path := range []string{"/note?note=private", "/login", "/note?note=more", "/others"} {
				client.Get(path)
				note(client.Cookies("/")[0])
			}
			id := ids[0]
			inner.fail = fmt.Errorf("no connection for %s of ann@example.com", id)
			resp, _ := client.Get("/note?note=lost")
			require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
			inner.fail = nil
			_, body := client.Get("/logout")
			require.Empty(t, body)
			r := httptest.NewRequest(http.MethodGet, "https://example.com/note", nil)
			r.AddCookie(&http.Cookie{Name: "__Host-Http-session_id", Value: secrets[len(secrets)-2]})
			tel.traced(site(sessions)).ServeHTTP(httptest.NewRecorder(), r)

			metrics := fmt.Sprintf("%+v", tel.collected())
			require.Contains(t, metrics, "sesame.session.ended")
			var spans strings.Builder
			for _, s := range tel.spans.GetSpans() {
				fmt.Fprintf(&spans, "%s %v %v %v %v\n", s.Name, s.Attributes, s.Events, s.Status, s.Links)
			}
			for _, op := range []string{"load", "save", "delete", "delete_owned"} {
				require.Contains(t, spans.String(), "\n"+op+" sessions")
			}
			for _, secret := range append(secrets, "private") {
				require.NotContains(t, metrics, secret)
				require.NotContains(t, spans.String(), secret)
			}
			for _, personal := range []string{id, "ann@example.com"} {
				require.NotContains(t, metrics, personal)
				require.Equal(t, identity, strings.Contains(spans.String(), personal), personal)
			}
			require.Equal(t, identity, strings.Contains(spans.String(), "no connection for"))
		})
	}
}

// TestNil: what is wrong in the program is said where it is.
func TestNil(t *testing.T) {
	for want, f := range map[string]func(){
		"Store(nil)":              func() { sesameotel.Store(nil) },
		"WithMeterProvider(nil)":  func() { sesameotel.WithMeterProvider(nil) },
		"WithTracerProvider(nil)": func() { sesameotel.WithTracerProvider(nil) },
		"an option is nil":        func() { sesameotel.Observer(nil) },
	} {
		func() {
			defer func() { require.Contains(t, recover(), want) }()
			f()
		}()
	}
}

// BenchmarkStore is what the wrapper costs.
func BenchmarkStore(b *testing.B) {
	for _, name := range []string{"bare", "outside of a trace", "traced"} {
		b.Run(name, func(b *testing.B) {
			tel, ctx := newTelemetry(b), b.Context()
			var s store.Store = newEngine().Store
			_, err := s.Save(ctx, store.Key{1}, record("data", "ann"))
			require.NoError(b, err)
			if name != "bare" {
				s = sesameotel.Store(s, tel.options()...)
			}
			if name == "traced" {
				var end func()
				ctx, end = tel.request()
				defer end()
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := s.Load(ctx, store.Key{1}); err != nil {
					b.Fatal(err)
				}
				if i%1000 == 0 {
					tel.spans.Reset()
				}
			}
		})
	}
}
