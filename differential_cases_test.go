package sesame_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// observe takes down what a handler sees.
type observe func(format string, args ...any)

// A plainCase is a handler that knows nothing of sessions.
type plainCase struct {
	name, method, body string
	f                  func(w http.ResponseWriter, r *http.Request, o observe)
}

// awaitClient waits until the client has the first byte of the body, or it is
// plain that it does not get it yet.
func awaitClient(r *http.Request, o observe) {
	select {
	case <-r.Context().Value(clientKey{}).(chan struct{}):
		o("the client has the first byte")
	case <-time.After(400 * time.Millisecond):
		o("the client waits")
	}
}

type clientKey struct{}

func writeN(o observe, w io.Writer, n int) {
	k, err := w.Write(bytes.Repeat([]byte("<a>"), n/3+1)[:n])
	o("write %d: %d %v", n, k, err)
}

// plainCases are handlers of all kinds.
func plainCases(t *testing.T) []plainCase {
	dir := t.TempDir()
	must(os.WriteFile(dir+"/small.txt", []byte(strings.Repeat("s", 600)), 0o600))
	must(os.WriteFile(dir+"/tiny.html", []byte("<html>x"), 0o600))
	must(os.WriteFile(dir+"/big.bin", bytes.Repeat([]byte{0, 1, 2, 3}, 50_000), 0o600))
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-T")
		fmt.Fprint(w, "back")
		if r.URL.Path == "/stream" {
			http.NewResponseController(w).Flush()
			time.Sleep(120 * time.Millisecond)
		}
		fmt.Fprint(w, "end")
		w.Header().Set("X-T", "1")
	}))
	t.Cleanup(backend.Close)
	target, _ := url.Parse(backend.URL)
	proxy := httputil.NewSingleHostReverseProxy(target)
	streaming := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target.JoinPath("stream")); r.Out.URL.Path = "/stream" }}
	big := strings.Repeat("b", 5000)
	return []plainCase{
		{"nothing", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {}},
		{"small", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { writeN(o, w, 10) }},
		{"sniff html", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			io.WriteString(w, "<ht")
			io.WriteString(w, "ml>")
		}},
		{"2047+1", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { writeN(o, w, 2047); writeN(o, w, 1) }},
		{"2047+2", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { writeN(o, w, 2047); writeN(o, w, 2) }},
		{"2049", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { writeN(o, w, 2049) }},
		{"3 then 9000", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			writeN(o, w, 3)
			writeN(o, w, 9000)
			writeN(o, w, 3)
		}},
		{"HEAD small", "HEAD", "", func(w http.ResponseWriter, r *http.Request, o observe) { writeN(o, w, 10) }},
		{"HEAD big", "HEAD", "", func(w http.ResponseWriter, r *http.Request, o observe) { writeN(o, w, 10000) }},
		{"HEAD nothing", "HEAD", "", func(w http.ResponseWriter, r *http.Request, o observe) { w.WriteHeader(200) }},
		{"204", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { w.WriteHeader(204); writeN(o, w, 3) }},
		{"304", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			w.Header().Set("ETag", `"x"`)
			w.WriteHeader(304)
			writeN(o, w, 3)
		}},
		{"201 twice", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			w.WriteHeader(201)
			w.WriteHeader(500)
			writeN(o, w, 3)
		}},
		{"write then status", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { writeN(o, w, 3); w.WriteHeader(404) }},
		{"empty write", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { writeN(o, w, 0); w.WriteHeader(404) }},
		{"bad status", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			defer func() { o("%v", recover()); w.WriteHeader(202) }()
			w.WriteHeader(42)
		}},
		{"header late", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			w.Header().Set("X-A", "1")
			w.Header().Set("X-B", "1")
			w.WriteHeader(200)
			w.Header().Set("X-A", "2")
			w.Header().Del("X-B")
			w.Header().Add("X-C", "2")
			writeN(o, w, 3)
		}},
		{"header late 2", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { writeN(o, w, 3); w.Header().Set("X-C", "2") }},
		{"header late, gin's gzip", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			writeN(o, w, 3)
			w.Header().Set("Content-Length", "99")
		}},
		{"content-length", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			w.Header().Set("Content-Length", "10")
			writeN(o, w, 10)
		}},
		{"content-length long", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			w.Header().Set("Content-Length", "5")
			writeN(o, w, 3)
			writeN(o, w, 3)
		}},
		{"content-length short", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			w.Header().Set("Content-Length", "10")
			writeN(o, w, 3)
		}},
		{"content-length bad", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			w.Header().Set("Content-Length", "x")
			writeN(o, w, 3)
		}},
		{"transfer-encoding", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			w.Header().Set("Transfer-Encoding", "chunked")
			writeN(o, w, 3)
		}},
		{"trailer", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			w.Header().Set("Trailer", "X-T, X-U")
			w.Header().Set("X-U", "before")
			writeN(o, w, 3)
			w.Header().Set("X-T", "1")
			w.Header().Set("X-U", "after")
		}},
		{"trailer prefix", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			writeN(o, w, 3)
			w.Header().Set(http.TrailerPrefix+"X-T", "1")
		}},
		{"trailer prefix, flushed", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			writeN(o, w, 3)
			w.(http.Flusher).Flush()
			w.Header().Set(http.TrailerPrefix+"X-T", "1")
		}},
		{"flush", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			writeN(o, w, 3)
			o("%v", http.NewResponseController(w).Flush())
			writeN(o, w, 3)
		}},
		{"flush first", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { w.(http.Flusher).Flush(); w.WriteHeader(404) }},
		{"hints", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			w.Header().Set("Link", "</a>")
			w.WriteHeader(103)
			w.Header().Del("Link")
			w.WriteHeader(201)
			w.WriteHeader(103)
		}},
		{"abort", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { writeN(o, w, 3); panic(http.ErrAbortHandler) }},
		{"abort big", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			writeN(o, w, 9000)
			panic(http.ErrAbortHandler)
		}},
		{"body after small", "POST", big, func(w http.ResponseWriter, r *http.Request, o observe) {
			writeN(o, w, 3)
			b, err := io.ReadAll(r.Body)
			o("read %d %v", len(b), err)
		}},
		{"body after overflow", "POST", strings.Repeat(big, 100), func(w http.ResponseWriter, r *http.Request, o observe) {
			writeN(o, w, 9000)
			b, err := io.ReadAll(r.Body)
			o("read all: %t %v", len(b) == 500_000, err != nil)
		}},
		{"full duplex", "POST", big, func(w http.ResponseWriter, r *http.Request, o observe) {
			o("%v", http.NewResponseController(w).EnableFullDuplex())
			writeN(o, w, 9000)
			b, err := io.ReadAll(r.Body)
			o("read %d %v", len(b), err)
		}},
		{"continue", "POST", "expect", func(w http.ResponseWriter, r *http.Request, o observe) { w.WriteHeader(413) }},
		{"continue read", "POST", "expect", func(w http.ResponseWriter, r *http.Request, o observe) {
			b, err := io.ReadAll(r.Body)
			o("read %d %v", len(b), err)
			writeN(o, w, 3)
		}},
		{"MaxBytesReader", "POST", big, func(w http.ResponseWriter, r *http.Request, o observe) {
			_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 100))
			o("%v", err)
			http.Error(w, "too large", 413)
		}},
		{"deadline", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			o("%v", http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Hour)))
			writeN(o, w, 3)
		}},
		{"file", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { http.ServeFile(w, r, dir+"/small.txt") }},
		{"tiny file", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { http.ServeFile(w, r, dir+"/tiny.html") }},
		{"big file", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { http.ServeFile(w, r, dir+"/big.bin") }},
		{"copy file", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			f, _ := os.Open(dir + "/big.bin")
			defer f.Close()
			io.WriteString(w, "pre")
			n, err := io.Copy(w, f)
			o("%d %v", n, err)
		}},
		{"copy tiny", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			n, err := io.Copy(w, io.LimitReader(strings.NewReader("<html>abc"), 7))
			o("%d %v", n, err)
		}},
		{"copy failing", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			n, err := io.Copy(w, struct{ io.Reader }{io.MultiReader(strings.NewReader("abc"), failing{})})
			o("%d %v", n, err)
			if err != nil {
				http.Error(w, "failed", 500)
			}
		}},
		{"redirect", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { http.Redirect(w, r, "/x", 303) }},
		{"hijack", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			c, rw, err := http.NewResponseController(w).Hijack()
			o("%t", err == nil)
			if err != nil {
				o("%t", errors.Is(err, http.ErrNotSupported))
				return
			}
			defer c.Close()
			rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
			rw.Flush()
			n, err := w.Write([]byte("x"))
			o("%d %v", n, err)
		}},
		{"hijack after a write", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			writeN(o, w, 3)
			c, _, err := http.NewResponseController(w).Hijack()
			o("%t", err == nil)
			if err == nil {
				c.Close()
			}
		}},
		{"upgrade", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			if r.ProtoMajor == 2 {
				return
			}
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "x")
			w.WriteHeader(101)
			c, rw, err := http.NewResponseController(w).Hijack()
			o("%v", err)
			rw.WriteString("raw")
			rw.Flush()
			c.Close()
		}},
		{"gzip", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			io.WriteString(z, big)
			o("%v", z.Flush())
			http.NewResponseController(w).Flush()
			io.WriteString(z, big)
			o("%v", z.Close())
		}},
		{"proxy", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { proxy.ServeHTTP(w, r) }},
		{"proxy streaming", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { streaming.ServeHTTP(w, r) }},
		{"slow small", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			writeN(o, w, 100)
			awaitClient(r, o)
		}},
		{"slow 2048", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			writeN(o, w, 2048)
			awaitClient(r, o)
		}},
		{"slow 2049", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			writeN(o, w, 2000)
			writeN(o, w, 49)
			awaitClient(r, o)
		}},
		{"slow 4097", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			writeN(o, w, 2000)
			writeN(o, w, 2000)
			writeN(o, w, 97)
			awaitClient(r, o)
		}},
		{"slow 9000", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			writeN(o, w, 9000)
			awaitClient(r, o)
		}},
		{"slow flushed", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			writeN(o, w, 3)
			w.(http.Flusher).Flush()
			awaitClient(r, o)
		}},
		{"close notify", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			_, ok := w.(http.CloseNotifier) //nolint:staticcheck // frameworks assert it
			o("%t", ok)
		}},
		{"pusher", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { _, ok := w.(http.Pusher); o("%t", ok) }},
		{"content-length, HEAD", "HEAD", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			w.Header().Set("Content-Length", "10")
			w.WriteHeader(200)
		}},
		{"range", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			r.Header.Set("Range", "bytes=100-299")
			http.ServeFile(w, r, dir+"/big.bin")
		}},
		{"ranges", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			r.Header.Set("Range", "bytes=0-9")
			http.ServeContent(w, r, "x.txt", time.Unix(1, 0), strings.NewReader(big))
		}},
		{"range that is not there", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			r.Header.Set("Range", "bytes=9000-9999")
			http.ServeContent(w, r, "x.txt", time.Unix(1, 0), strings.NewReader(big))
		}},
		{"not modified", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			r.Header.Set("If-Modified-Since", time.Unix(1, 0).UTC().Format(http.TimeFormat))
			http.ServeContent(w, r, "x.txt", time.Unix(1, 0), strings.NewReader(big))
		}},
		{"events", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			w.Header().Set("Content-Type", "text/event-stream")
			for i := range 3 {
				fmt.Fprintf(w, "data: %d\n\n", i)
				o("%v", http.NewResponseController(w).Flush())
			}
		}},
		{"component after component", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			for i := range 400 {
				if i == 200 {
					w.(http.Flusher).Flush()
				}
				_, err := io.WriteString(w, "<li>item</li>")
				if err != nil {
					o("%v", err)
				}
			}
		}},
		{"many superfluous", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			w.WriteHeader(201)
			w.WriteHeader(202)
			w.WriteHeader(203)
		}},
		{"superfluous after overflow", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) { writeN(o, w, 9000); w.WriteHeader(500) }},
		{"value changed in place", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			w.Header().Set("X-A", "before")
			w.WriteHeader(200)
			w.Header()["X-A"][0] = "after"
			writeN(o, w, 3)
		}},
		{"read deadline", "POST", big, func(w http.ResponseWriter, r *http.Request, o observe) {
			o("%v", http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Hour)))
			b, err := io.ReadAll(r.Body)
			o("read %d %v", len(b), err)
		}},
		{"interfaces", "GET", "", func(w http.ResponseWriter, r *http.Request, o observe) {
			_, flusher := w.(http.Flusher)
			_, hijacker := w.(http.Hijacker)
			_, readerFrom := w.(io.ReaderFrom)
			_, stringWriter := w.(io.StringWriter)
			o("%t %t %t %t", flusher, hijacker, readerFrom, stringWriter)
		}},
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("source failed") }
