package cborcodec_test

import (
	"net/netip"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/codec/cborcodec"
)

type (
	writer struct{ A int }

	badSession struct{ Notify chan int }
	hidden     struct{ n int }
	embeds     struct{ Far string }
	Twice      struct{ A int }
	OneSide    struct {
		Twice
		B int
	}
	OtherSide struct {
		Twice
		B int `json:"C"`
	}
)

func (writer) MarshalText() ([]byte, error) { return nil, nil }

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
		{struct{ W []writer }{}, ".W[] has type cborcodec_test.writer, which has MarshalText but no UnmarshalText"},
		{struct{ *embeds }{}, ".embeds has type *cborcodec_test.embeds, which cannot be decoded"},
		{struct {
			time.Time
			netip.Addr
		}{}, ".Time has type time.Time, whose methods have no effect where it is embedded: give the field a name"},
		{struct {
			A int `cbor:"x,keyasint"`
		}{}, `.A has the tag keyasint, but "x" is no integer`},
		{struct {
			_ struct{} `cbor:",toindefarray"`
			A int
		}{}, "whose option toindefarray is not deterministic"},
		{struct{ T cbor.Tag }{}, ".T has type cbor.Tag, for which there is no bound"},
		{struct {
			Off  chan int `json:"-"`
			Gone chan int `cbor:"-"`
			At   *time.Time
			Addr netip.Addr
			URL  url.URL
			Set  map[string]struct{}
			none chan int
			embeds
		}{}, ""},
		{struct {
			OneSide
			OtherSide
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

func TestNewPanicsOnWhatCannotBeCarried(t *testing.T) {
	require.PanicsWithValue(t, "sesame: New[cborcodec_test.badSession]: cborcodec: badSession.Notify has type chan int, which no codec can carry", func() {
		sesame.New[badSession](sesame.WithCodec(cborcodec.CBOR))
	})
}

// TestFieldsAreThoseOfTheLibrary checks the choice among fields of one name: a
// field of the wrong type would be found where decoding compares it with its
// type.
func TestFieldsAreThoseOfTheLibrary(t *testing.T) {
	type deepText struct{ X, Y string }
	type deepInt struct {
		X int
		Y int `cbor:"Y"` // wins, having a tag
		Z int `json:"Y2"`
	}
	type Session struct {
		deepText
		deepInt // X is neither's
		OneSide
		OtherSide // B and C remain, the doubly embedded A is lost
		Z         bool
	}
	want := Session{deepInt: deepInt{Y: 4, Z: 5}, OneSide: OneSide{B: 6}, OtherSide: OtherSide{B: 7}, Z: true}
	full := want
	full.deepText = deepText{"x", "y"}
	full.deepInt.X = 3
	full.OneSide.A, full.OtherSide.A = 1, 2

	data := encode(t, full)
	var got Session
	require.NoError(t, cborcodec.CBOR.Decode(data, &got))
	require.Equal(t, want, got)
	err := cborcodec.CBOR.Decode([]byte("\xa1\x61Y\x61y"), new(Session))
	require.ErrorContains(t, err, "a text where int is wanted")
	var names map[string]any
	require.NoError(t, cbor.Unmarshal(data, &names))
	require.Len(t, names, 5)
}
