package sesame_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
)

// differs are the cases in which a handler, or its client, can tell that there
// is a session handler around it. They are documented in docs/FRAMEWORKS.md,
// "What differs from net/http".
var differs = map[string]bool{
	"HTTP/1.1/MaxBytesReader": true, // the connection is kept: net/http asks its own writer to close it
}

// TestLikeBare runs handlers of all kinds with and without the session handler
// around them, and compares all that their clients get and they themselves see.
func TestLikeBare(t *testing.T) {
	cases := plainCases(t)
	for _, protocol := range protocols {
		for _, c := range cases {
			name := protocol + "/" + c.name
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				m := sesame.New[counter](newWitness().logger())
				bare := c.run(protocol, func(h http.Handler) http.Handler { return h })
				around := c.run(protocol, m.Handler)
				if differs[name] {
					require.NotEqual(t, bare, around, "it does not differ any more")
				} else {
					require.Equal(t, bare, around)
				}
			})
		}
	}
}

// TestLikeBareCompressed does so with a writer that compresses between, inside
// and outside of the session handler.
func TestLikeBareCompressed(t *testing.T) {
	m := sesame.New[counter](newWitness().logger())
	for _, c := range plainCases(t) {
		switch c.name {
		case "small", "sniff html", "2047+1", "2047+2", "2049", "3 then 9000", "HEAD small", "204", "304", "201 twice", "empty write",
			"flush", "flush first", "redirect", "events", "component after component", "slow small", "slow 9000", "slow flushed":
		default:
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			bare := c.run("HTTP/1.1", gzipped)
			require.Equal(t, bare, c.run("HTTP/1.1", func(h http.Handler) http.Handler { return gzipped(m.Handler(h)) }), "outside")
			require.Equal(t, bare, c.run("HTTP/1.1", func(h http.Handler) http.Handler { return m.Handler(gzipped(h)) }), "inside")
		})
	}
}

// run serves one request and returns all that can be seen of it.
func (c plainCase) run(protocol string, around func(http.Handler) http.Handler) string {
	var mu sync.Mutex
	var seen []string
	done := make(chan struct{})
	s := httptest.NewUnstartedServer(around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		c.f(w, r, func(format string, args ...any) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, fmt.Sprintf(format, args...))
		})
	})))
	arrived := make(chan struct{})
	s.Config.BaseContext = func(net.Listener) context.Context {
		return context.WithValue(context.Background(), clientKey{}, arrived)
	}
	var logs bytes.Buffer
	s.Config.ErrorLog = log.New(&logs, "", 0)
	if s.EnableHTTP2 = protocol == "HTTP/2.0"; s.EnableHTTP2 {
		s.StartTLS()
	} else {
		s.Start()
	}
	got := c.visit(s, arrived)
	<-done
	s.Close() // waits for the connections
	mu.Lock()
	defer mu.Unlock()
	return fmt.Sprintf("%s\nhandler: %s\nlog lines: %d", got, strings.Join(seen, "; "), strings.Count(logs.String(), "\n"))
}

// visit is the client's part.
func (c plainCase) visit(s *httptest.Server, arrived chan struct{}) string {
	var body io.Reader
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	r, err := http.NewRequest(c.method, s.URL+"/", body)
	must(err)
	if c.body == "expect" {
		r.Header.Set("Expect", "100-continue")
	}
	transport := s.Client().Transport.(*http.Transport)
	transport.DisableCompression, transport.ExpectContinueTimeout = true, time.Second
	res, err := transport.RoundTrip(r)
	if err != nil {
		return "error " + strings.NewReplacer(s.URL, "", strings.TrimPrefix(s.URL, "http://"), "").Replace(fmt.Sprintf("%.40s", err))
	}
	defer res.Body.Close()
	reader := bufio.NewReader(res.Body)
	_, _ = reader.Peek(1)
	close(arrived)
	content, err := io.ReadAll(reader)
	res.Header.Del("Date")
	res.Header.Del("Last-Modified")
	var fields []string
	for name, values := range res.Header {
		fields = append(fields, name+"="+strings.Join(values, ","))
	}
	slices.Sort(fields)
	return fmt.Sprintf("%d %q length %d, body %d bytes %.8x, error %v, trailer %v, encoding %v, close %t",
		res.StatusCode, fields, res.ContentLength, len(content), content, err, res.Trailer, res.TransferEncoding, res.Close)
}

// gzipped compresses what a handler writes, as middlewares do.
func gzipped(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			h.ServeHTTP(w, r)
			return
		}
		z := &gzipWriter{ResponseWriter: w}
		defer z.close()
		h.ServeHTTP(z, r)
	})
}

type gzipWriter struct {
	http.ResponseWriter
	gz     *gzip.Writer
	status int
}

func (z *gzipWriter) WriteHeader(status int) {
	if status >= 200 && z.status == 0 {
		z.status = status
		if status != 204 && status != 304 {
			z.Header().Del("Content-Length")
			z.Header().Set("Content-Encoding", "gzip")
			z.gz = gzip.NewWriter(z.ResponseWriter)
		}
	}
	z.ResponseWriter.WriteHeader(status)
}

func (z *gzipWriter) Write(p []byte) (int, error) {
	if z.status == 0 {
		z.WriteHeader(200)
	}
	if z.gz == nil {
		return z.ResponseWriter.Write(p)
	}
	return z.gz.Write(p)
}

func (z *gzipWriter) Flush() { _ = z.FlushError() }

func (z *gzipWriter) FlushError() error {
	if z.gz != nil {
		_ = z.gz.Flush()
	}
	return http.NewResponseController(z.ResponseWriter).Flush()
}

func (z *gzipWriter) Unwrap() http.ResponseWriter { return z.ResponseWriter }

func (z *gzipWriter) close() {
	if z.gz != nil {
		_ = z.gz.Close()
	}
}
