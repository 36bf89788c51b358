package cborcodec_test

import (
	"encoding"
	"net/netip"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/codec/cborcodec"
)

type (
	writer struct{ A int }

	badSession  struct{ Notify chan int }
	hidden      struct{ n int }
	Hidden      struct{ n int }
	embeds      struct{ Far string }
	Twice       struct{ A int }
	EmbedsTwice struct{ *Twice }
	embedsA     struct{ A int }
	Again       struct {
		*Again
		N int
	}
	noCopy   struct{}
	Uncopied struct {
		noCopy
		M int
	}
	OneSide struct {
		Twice
		B int
	}
	OtherSide struct {
		Twice
		B int `json:"C"`
	}
)

func (writer) MarshalText() ([]byte, error) { return nil, nil }

type (
	// EmbedsURL has the methods of *url.URL, which may be nil.
	EmbedsURL struct {
		*url.URL
		Extra string
	}
	embedsDeeper struct{ EmbedsURL }
	BothWays     interface {
		encoding.BinaryMarshaler
		encoding.BinaryUnmarshaler
	}
	embedsInterface struct{ BothWays }

	// ownMethods hides the methods of what it embeds.
	ownMethods struct {
		*url.URL
		N byte
	}
	// ownCBOR has methods that go before those of what it embeds.
	ownCBOR struct {
		*url.URL
		N byte
	}
	// ownText has not.
	ownText struct {
		*url.URL
		N byte
	}
	// panics has a method that does not expect a nil pointer.
	panics struct{ URL *url.URL }

	endless  *endless
	endlessA *endlessB
	endlessB *endlessA
)

func (o ownMethods) MarshalBinary() ([]byte, error)     { return []byte{o.N}, nil }
func (o *ownMethods) UnmarshalBinary(data []byte) error { o.N = data[0]; return nil }
func (o ownCBOR) MarshalCBOR() ([]byte, error)          { return []byte{o.N}, nil }
func (o *ownCBOR) UnmarshalCBOR(data []byte) error      { o.N = data[0]; return nil }
func (o ownText) MarshalText() ([]byte, error)          { return []byte{o.N}, nil }
func (o *ownText) UnmarshalText(data []byte) error      { o.N = data[0]; return nil }
func (p panics) MarshalBinary() ([]byte, error)         { return p.URL.MarshalBinary() }
func (*panics) UnmarshalBinary([]byte) error            { return nil }

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		v    any
		says string
	}{
		{struct{ Cart struct{ Notify chan int } }{}, ".Cart.Notify has type chan int, which no codec can carry"},
		{struct{ M map[string][]func() }{}, ".M[][] has type func(), which no codec can carry"},
		{struct{ M map[complex64]int }{}, "the key of struct { M map[complex64]int }.M has type complex64, which CBOR cannot carry"},
		{struct{ P uintptr }{}, ".P has type uintptr, which CBOR cannot carry"},
		{struct{ E error }{}, ".E has type error, which cannot be decoded: only the empty interface, any, can"},
		{struct{ H hidden }{}, ".H has type cborcodec_test.hidden, which has only unexported fields"},
		{struct{ H struct{ hidden } }{}, ".H has type struct { cborcodec_test.hidden }, which has only unexported fields"},
		{struct {
			Hidden
			N int
		}{}, "which embeds cborcodec_test.Hidden, which has only unexported fields"},
		{struct {
			L []struct {
				*Hidden
				N int
			}
		}{}, "which embeds *cborcodec_test.Hidden, which has only unexported fields"},
		{struct{ W []writer }{}, ".W[] has type cborcodec_test.writer, which has MarshalText but no UnmarshalText"},
		{struct{ *embeds }{}, "which embeds *cborcodec_test.embeds, which cannot be set when decoding: embed it without the pointer"},
		{struct {
			time.Time
			netip.Addr
		}{}, "which embeds time.Time, whose methods have no effect there: give the field a name"},
		{struct {
			A int `cbor:"x,keyasint"`
		}{}, `whose field A has the tag keyasint, but "x" is no integer`},
		{struct{ T struct{ *time.Time } }{}, ".T has type struct { *time.Time }, which would be written by MarshalBinary of the embedded *time.Time, which may be nil: give that field a name, or embed a value"},
		{EmbedsURL{}, "EmbedsURL has type cborcodec_test.EmbedsURL, which would be written by MarshalBinary of the embedded *url.URL"},
		{struct{ U []*embedsDeeper }{}, ".U[] has type cborcodec_test.embedsDeeper, which would be written by MarshalBinary of the embedded *url.URL"},
		{struct {
			T struct {
				time.Time
				N int
			}
		}{}, "which would be written by MarshalBinary of the embedded time.Time, without the field N"},
		{struct{ T ownText }{}, ".T has type cborcodec_test.ownText, which would be written by MarshalBinary of the embedded *url.URL"},
		{struct{ T embedsInterface }{}, ".T has type cborcodec_test.embedsInterface, which would be written by MarshalBinary of the embedded cborcodec_test.BothWays"},
		{struct {
			Hidden `cbor:"h"`
			N      int
		}{}, "which embeds cborcodec_test.Hidden, which has only unexported fields"},
		{struct {
			A int `cbor:"1,keyasint"`
			B int `cbor:"01,keyasint"`
		}{}, `two fields called "1 (keyasint)"`},
		{struct{ P endless }{}, ".P has type cborcodec_test.endless, which points to nothing but pointers"},
		{struct{ P []endlessA }{}, ".P[] has type cborcodec_test.endlessA, which points to nothing but pointers"},
		{struct {
			Off  chan int `json:"-"`
			Gone chan int `cbor:"-"`
			At   *time.Time
			Addr netip.Addr
			URL  url.URL
			Set  map[string]struct{}
			none chan int
			embeds
			One int `cbor:"1"`
			Uno int `cbor:"1,keyasint"`
		}{}, ""},
		{struct {
			A ownMethods
			B ownCBOR
			C struct {
				time.Time
				Off int `json:"-"`
			}
			D EmbedsTwice
			E struct {
				_ struct{} `cbor:",toarray"`
				Twice
				OneSide *OneSide `cbor:"B"`
			}
			F ***int
		}{}, ""},
		{struct {
			OneSide
			OtherSide
		}{}, `which has two fields called "A", of which one would be lost: rename one`},
		{struct {
			Twice
			embedsA
		}{}, `which has two fields called "A", of which one would be lost: rename one`},
		{struct {
			Twice
			A string
		}{}, `two fields called "A"`},
		{Again{}, "which embeds *cborcodec_test.Again, which embeds itself"},
		{struct {
			noCopy
			Uncopied
			N int
		}{}, ""},
	} {
		err := cborcodec.CBOR.(codec.Checker).Check(reflect.TypeOf(c.v))
		if c.says == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "cborcodec: ")
		}
	}
}

// TestOwnMethodsBesideAnEmbeddedPointer checks that they are used, whether the
// pointer is nil or not.
func TestOwnMethodsBesideAnEmbeddedPointer(t *testing.T) {
	type Session struct {
		A ownMethods
		B ownCBOR
	}
	want := Session{ownMethods{N: 1}, ownCBOR{N: 2}}
	require.Equal(t, want, transcode(t, want))
	require.Equal(t, encode(t, want), encode(t, Session{ownMethods{new(url.URL), 1}, ownCBOR{new(url.URL), 2}}))
}

func TestAppendRecovers(t *testing.T) {
	var data []byte
	var err error
	require.NotPanics(t, func() { data, err = cborcodec.CBOR.Append([]byte("head"), &struct{ P panics }{}) })
	require.ErrorContains(t, err, "cborcodec: a method of the value panics")
	require.Equal(t, "head", string(data))
}

// TestEndlessPointers has what the library would follow forever.
func TestEndlessPointers(t *testing.T) {
	for _, v := range []any{new(endless), &struct{ V any }{endless(nil)}, &struct{ V any }{map[string]endlessA{}}} {
		_, err := cborcodec.CBOR.Append(nil, v)
		require.ErrorContains(t, err, "which points to nothing but pointers", "%T", v)
	}
}

func TestNewPanicsOnWhatCannotBeCarried(t *testing.T) {
	require.PanicsWithValue(t, "sesame: New[cborcodec_test.badSession]: cborcodec: badSession.Notify has type chan int, which no codec can carry", func() {
		sesame.New[badSession](sesame.WithCodec(cborcodec.CBOR))
	})
}
