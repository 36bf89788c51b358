package gobcodec_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/codec/gobcodec"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store/memstore"
)

type (
	place   struct{ City string }
	further struct {
		City  string
		Floor int
	}
	session struct {
		N     int
		Where *place
		By    map[string][]place
		Two   [2]place
		Next  *session
		At    time.Time
		Any   any
		Chars []byte
	}
)

// TestUnknown: fields that a gob has and the struct does not have are noticed,
// wherever they are, and nothing else is.
func TestUnknown(t *testing.T) {
	full := session{N: 1, Where: &place{"Rome"}, By: map[string][]place{"a": {{"Oslo"}}}, Next: &session{N: 2}, At: time.Now(), Any: "x"}
	for name, c := range map[string]struct {
		stored  any
		unknown bool
	}{
		"the same":      {&full, false},
		"zero":          {&session{}, false},
		"fewer fields":  {&struct{ N int }{1}, false},
		"one more":      {&struct{ N, M int }{1, 2}, true},
		"nested":        {&struct{ Where further }{further{"Rome", 1}}, true},
		"in a map":      {&struct{ By map[string][]*further }{map[string][]*further{"a": {{"Rome", 1}}}}, true},
		"in an array":   {&struct{ Two [2]further }{[2]further{{"Rome", 1}}}, true},
		"in a pointer":  {&struct{ Next struct{ Where further } }{}, true},
		"an int8":       {&struct{ N int8 }{1}, false},
		"an odd object": {&struct{ Chars []byte }{[]byte{1}}, false},
	} {
		data, err := gobcodec.Gob.Append(nil, c.stored)
		require.NoError(t, err)
		var got session
		found, err := gobcodec.Gob.(codec.SharedDecoder).DecodeShared(data, &got)
		require.NoError(t, err, name)
		require.Equal(t, codec.Found{Unknown: c.unknown}, found, name)
	}
}

// TestLostFields: that a save loses a field is told of once.
func TestLostFields(t *testing.T) {
	type newer struct{ N, M int }
	type older struct{ N int }
	var told []sesame.Event
	st := memstore.New()
	before := sesame.New[older](sesame.WithStore(st), sesame.WithCodec(gobcodec.Gob), sesame.WithObserver(func(_ context.Context, e sesame.Event) {
		if e.Kind == sesame.EventDropped {
			told = append(told, e)
		}
	}))
	after := sesame.New[newer](sesame.WithStore(st), sesame.WithCodec(gobcodec.Gob))
	for range 2 {
		c := sesametest.Cookie(t, after, newer{1, 2})
		r := httptest.NewRequest("GET", "https://example.com/", nil)
		r.AddCookie(c)
		before.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { before.Get(r.Context()).N++ })).ServeHTTP(httptest.NewRecorder(), r)
		got, ok := sesametest.Session(t, after, c)
		require.True(t, ok)
		require.Equal(t, newer{2, 0}, got)
	}
	require.Len(t, told, 1)
	require.Error(t, told[0].Err)
}
