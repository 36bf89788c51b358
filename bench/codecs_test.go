package bench

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/codec/cborcodec"
	"github.com/sesame-go/sesame/codec/codectest"
	"github.com/sesame-go/sesame/codec/gobcodec"
)

// compared are sesame's codecs, and for reference the library that the default
// one took its format from, and code that was generated for these very structs.
var compared = []codec.Codec{codec.MsgPack, codec.JSON, gobcodec.Gob, cborcodec.CBOR, plainV5{}, generated{}}

// BenchmarkCodecs encodes and decodes a small and a medium session.
func BenchmarkCodecs(b *testing.B) {
	b.Run("size=small", func(b *testing.B) { codectest.Bench(b, &smallSession, compared...) })
	b.Run("size=medium", func(b *testing.B) { codectest.Bench(b, &mediumSession, compared...) })
}

// plainV5 is msgpack/v5 by itself. It keeps none of a codec's promises: maps are
// in random order, and lengths are believed.
type plainV5 struct{ codec.Codec }

func (plainV5) String() string { return "msgpack-v5" }

func (plainV5) Append(dst []byte, v any) ([]byte, error) {
	buf := bytes.NewBuffer(dst)
	enc := msgpack.GetEncoder()
	defer msgpack.PutEncoder(enc)
	enc.Reset(buf)
	enc.UseCompactInts(true)
	err := enc.Encode(v)
	return buf.Bytes(), err
}

func (plainV5) Decode(data []byte, v any) error { return msgpack.Unmarshal(data, v) }

// generated is the code that tinylib/msgp makes. It keeps none of the promises
// either.
type generated struct{ codec.Codec }

func (generated) String() string { return "msgp-generated" }

func (generated) Append(dst []byte, v any) ([]byte, error) { return v.(msgp.Marshaler).MarshalMsg(dst) }

func (generated) Decode(data []byte, v any) error {
	_, err := v.(msgp.Unmarshaler).UnmarshalMsg(data)
	return err
}

// TestCodecsDoTheSameWork makes sure that nothing is measured that loses a part
// of the session.
func TestCodecsDoTheSameWork(t *testing.T) {
	for _, c := range compared {
		var s CodecSmall
		data, err := c.Append(nil, &smallSession)
		require.NoError(t, err)
		require.NoError(t, c.Decode(data, &s))
		s.Seen = s.Seen.UTC()
		require.Equal(t, smallSession, s)

		var m CodecMedium
		data, err = c.Append(nil, &mediumSession)
		require.NoError(t, err)
		require.NoError(t, c.Decode(data, &m))
		m.LoggedIn = m.LoggedIn.UTC()
		require.Equal(t, mediumSession, m)
	}
}

var smallSession = CodecSmall{Visits: 42, User: "u-17c3a9", Seen: time.Date(2026, 8, 1, 12, 0, 0, 123456000, time.UTC)}

var mediumSession = CodecMedium{
	UserID: 1234567, Email: "ada.lovelace@example.com", Name: "Ada Lovelace", Admin: true,
	LoggedIn: time.Date(2026, 8, 1, 12, 0, 0, 123456000, time.UTC),
	Roles:    []string{"editor", "reviewer", "billing-admin"},
	Cart:     map[string]int{"sku-1001": 1, "sku-2002": 2, "sku-3003": 12, "sku-4004": 1, "sku-5005": 400},
	Prefs:    map[string]string{"theme": "dark", "lang": "en-GB", "tz": "Europe/London", "currency": "GBP", "density": "compact"},
	Billing:  CodecAddress{"12 St James's Square", "London", "SW1Y 4JH", "GB"},
	Shipping: &CodecAddress{"1 Analytical Engine Way", "Cambridge", "CB2 1TN", "GB"},
	Recent: []string{"/products/sku-1001", "/products/sku-2002?ref=mail", "/cart", "/checkout/address", "/help/returns",
		"/products/sku-3003", "/products/sku-4004?colour=blue&size=m", "/account/orders/2026-07-31-000123",
		"/search?q=difference+engine&sort=price&page=3", "/products/sku-5005/reviews?page=2", "/account/settings/notifications",
		"/blog/2026/07/on-the-analytical-engine-and-its-operation", "/products/sku-1001/questions/how-many-columns-has-it",
		"/gift-cards", "/newsletter/confirm?campaign=summer-2026&channel=mail", "/stores/london/opening-hours"},
	CSRF: "pE3Ck0q5XJ4mV9aYzN1uB7wRf2HsT8dL",
}
