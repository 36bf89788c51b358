package adaptertest_test

import (
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/adapter"
	"github.com/sesame-go/sesame/adapter/adaptertest"
)

// TestHandler holds the manager's own Handler to what adapters are held to.
func TestHandler(t *testing.T) {
	adaptertest.Run(t, adaptertest.Framework{Streams: true, Binds: true, Serve: serve})
}

func serve(t *testing.T, h adaptertest.Handler, managers ...adapter.Manager) string {
	var root http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(w, h(r.Context(), r.URL.Path))
	})
	for i := range managers {
		root = managers[len(managers)-1-i].(*sesame.Manager[adaptertest.Session]).Handler(root)
	}
	server := httptest.NewUnstartedServer(root)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func answer(w http.ResponseWriter, a adaptertest.Answer) {
	maps.Copy(w.Header(), a.Header)
	if a.Location != "" {
		w.Header().Set("Location", a.Location)
	}
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body)
	if a.Then != nil {
		_ = http.NewResponseController(w).Flush()
		a.Then()
	}
}
