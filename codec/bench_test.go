package codec_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/codec/codectest"
)

type small struct {
	Visits int
	User   string
	Seen   time.Time
}

type address struct {
	Street, City, Zip, Country string
}

type medium struct {
	UserID   int64
	Email    string
	Name     string
	Admin    bool
	LoggedIn time.Time
	Roles    []string
	Cart     map[string]int
	Prefs    map[string]string
	Billing  address
	Shipping *address
	Recent   []string
	CSRF     string
}

var (
	smallSession = small{Visits: 42, User: "u-17c3a9", Seen: time.Date(2026, 8, 1, 12, 0, 0, 123456000, time.UTC)}

	mediumSession = medium{
		UserID: 1234567, Email: "ada.lovelace@example.com", Name: "Ada Lovelace", Admin: true,
		LoggedIn: time.Date(2026, 8, 1, 12, 0, 0, 123456000, time.UTC),
		Roles:    []string{"editor", "reviewer", "billing-admin"},
		Cart:     map[string]int{"sku-1001": 1, "sku-2002": 2, "sku-3003": 12, "sku-4004": 1, "sku-5005": 400},
		Prefs:    map[string]string{"theme": "dark", "lang": "en-GB", "tz": "Europe/London", "currency": "GBP", "density": "compact"},
		Billing:  address{"12 St James's Square", "London", "SW1Y 4JH", "GB"},
		Shipping: &address{"1 Analytical Engine Way", "Cambridge", "CB2 1TN", "GB"},
		Recent: []string{"/products/sku-1001", "/products/sku-2002?ref=mail", "/cart", "/checkout/address", "/help/returns",
			"/products/sku-3003", "/products/sku-4004?colour=blue&size=m", "/account/orders/2026-07-31-000123",
			"/search?q=difference+engine&sort=price&page=3", "/products/sku-5005/reviews?page=2", "/account/settings/notifications",
			"/blog/2026/07/on-the-analytical-engine-and-its-operation", "/products/sku-1001/questions/how-many-columns-has-it",
			"/gift-cards", "/newsletter/confirm?campaign=summer-2026&channel=mail", "/stores/london/opening-hours"},
		CSRF: "pE3Ck0q5XJ4mV9aYzN1uB7wRf2HsT8dL",
	}
)

func BenchmarkSmall(b *testing.B)  { codectest.Bench(b, smallSession, compared...) }
func BenchmarkMedium(b *testing.B) { codectest.Bench(b, mediumSession, compared...) }

var compared = []codec.Codec{codec.MsgPack, codec.JSON, plainV5{}}

// plainV5 is msgpack/v5 by itself, for comparison.
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

// large has large maps.
type large struct {
	User  string
	Perms [6]map[string]bool
	Loose map[string]any
	Names map[int64]string
}

var largeSession = func() large {
	s := large{User: "u-17c3a9", Loose: map[string]any{}, Names: map[int64]string{}}
	for i := range s.Perms {
		s.Perms[i] = map[string]bool{}
		for j := range 100 {
			s.Perms[i][fmt.Sprintf("project-%05d", (i+1)*7919*j%100_000)] = j%3 == 0
		}
	}
	for i := range 40 {
		s.Loose[fmt.Sprintf("value-%d", i)] = []any{i * 97, "text", true, 0.5}[i%4]
		s.Names[int64(i*7919%1000)] = "name"
	}
	return s
}()

// BenchmarkLarge encodes with and without a guide.
func BenchmarkLarge(b *testing.B) {
	data, err := codec.MsgPack.Append(nil, &largeSession)
	if err != nil {
		b.Fatal(err)
	}
	for name, like := range map[string][]byte{"guide=none": nil, "guide=same": data} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			buf := make([]byte, 0, 2*len(data))
			for b.Loop() {
				if _, err := codec.MsgPack.(codec.LikeAppender).AppendLike(buf, &largeSession, like); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
