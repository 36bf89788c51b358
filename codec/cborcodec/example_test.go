package cborcodec_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec/cborcodec"
)

type Session struct {
	Visits int `cbor:"visits"`
}

var sessions = sesame.New[Session](sesame.WithCodec(cborcodec.CBOR))

// Sessions of the codecs in package codec are still read, and become CBOR when
// they change.

func Example() {
	server := httptest.NewTLSServer(sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := sessions.Get(r.Context())
		s.Visits++
		fmt.Fprintln(w, "visit", s.Visits)
	})))
	defer server.Close()

	browser := server.Client()
	browser.Jar, _ = cookiejar.New(nil)
	for range 3 {
		resp, err := browser.Get(server.URL)
		if err != nil {
			fmt.Println(err)
			return
		}
		_, _ = io.Copy(os.Stdout, resp.Body)
		resp.Body.Close()
	}

	data, _ := cborcodec.CBOR.Append(nil, &Session{Visits: 3})
	fmt.Printf("%x\n", data)

	// Output:
	// visit 1
	// visit 2
	// visit 3
	// a16676697369747303
}
