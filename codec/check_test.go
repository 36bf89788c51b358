package codec_test

import (
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sesame-go/sesame/codec"
)

type halfStamped struct {
	time.Time
	N int
}

func (halfStamped) MarshalBinary() ([]byte, error) { return nil, nil }

type (
	invoice       struct{ Total big.Int }
	embedsInvoice struct{ invoice }
	point         struct{ X int }
	point2        struct{ X int }
	stamped       struct{ time.Time }
	stamped2      struct{ time.Time }
	Point         struct{ X int }
)

func TestChecksNameTheField(t *testing.T) {
	type hidden struct{ n int }
	type stampedN struct {
		time.Time
		N int
	}
	for _, c := range []struct {
		codec codec.Codec
		v     any
		says  string
	}{
		{codec.MsgPack, stampedN{}, "would be written by MarshalBinary of the embedded time.Time, without the field N"},
		{codec.JSON, stampedN{}, "would be written by MarshalJSON of the embedded time.Time, without the field N"},
		{codec.MsgPack, struct{ *time.Time }{}, "of the embedded *time.Time, which may be nil"},
		{codec.JSON, struct{ *time.Time }{}, "of the embedded *time.Time, which may be nil"},
		{codec.MsgPack, halfStamped{}, "would be read by UnmarshalBinary of the embedded time.Time, without the field N"},
		{codec.MsgPack, struct {
			noCopy
			N int
		}{}, ""},
		{codec.JSON, struct {
			noCopy
			N int
		}{}, ""},
		{codec.JSON, struct{ T struct{ time.Time } }{}, "encoding/json writes by MarshalJSON but cannot read: give the type a name"},
		{codec.JSON, struct{ D []day }{}, ""},
		{codec.JSON, struct{ D map[string]day }{}, "passes over the method MarshalJSON of *codec_test.day"},
		{codec.JSON, textDay{}, "would be written by MarshalJSON but read by UnmarshalText"},
		{codec.MsgPack, stamped{}, ""},
		{codec.JSON, stamped{}, ""},
		{codec.MsgPack, struct{ C complex128 }{}, "C has type complex128, which MessagePack cannot carry"},
		{codec.MsgPack, struct{ E error }{}, "E has type error, which cannot be decoded"},
		{codec.MsgPack, struct{ H []hidden }{}, "H[] has type codec_test.hidden, which has only unexported fields"},
		{codec.MsgPack, struct{ O onlyWrites }{}, "O has type codec_test.onlyWrites, which has MarshalText but no UnmarshalText"},
		{codec.MsgPack, struct {
			Skip chan int `msgpack:"-"`
			Set  map[string]struct{}
		}{}, ""},
		{codec.MsgPack, struct {
			Skip chan int `json:"-"`
		}{}, "Skip has type chan int, which no codec can carry"},
		{codec.JSON, struct {
			Skip chan int `json:"-"`
			Set  map[string]struct{}
		}{}, ""},
		{codec.JSON, struct{ M map[bool]int }{}, "M has type map[bool]int, whose keys JSON cannot carry"},
		{codec.JSON, struct{ M map[string]jsonPtr }{}, "make it a map of pointers"},
		{codec.JSON, struct{ M map[string]*jsonPtr }{}, ""},
		{codec.JSON, struct{ M map[string][1]big.Int }{}, "method MarshalJSON of *big.Int: make it a map of pointers"},
		{codec.JSON, struct{ M map[string]invoice }{}, "method MarshalJSON of *big.Int: make it a map of pointers"},
		{codec.JSON, struct{ M map[string]embedsInvoice }{}, "make it a map of pointers"},
		{codec.JSON, struct{ M map[string]*invoice }{}, ""},
		{codec.JSON, struct{ M map[string][]invoice }{}, ""},
		{codec.JSON, struct {
			M map[string]struct {
				T time.Time
				P *invoice
			}
		}{}, ""},
		{codec.JSON, struct{ *point }{}, "which embeds *codec_test.point, which cannot be set when decoding: embed it without the pointer"},
		{codec.JSON, struct {
			*point `json:"p"`
		}{}, "which embeds *codec_test.point, whose fields would be lost: export the type, or give the field a name"},
		{codec.JSON, struct {
			*point `json:"-"`
			point2
			*int
			*Numbers `json:"n"`
		}{}, ""},
		{codec.JSON, struct {
			Numbers
			Point
		}{}, `which has two fields called "X", of which one would be lost: rename one`},
		{codec.JSON, struct {
			stamped
			stamped2
		}{}, "which embeds codec_test.stamped, whose methods have no effect there: give the field a name"},
		{codec.JSON, struct{ M map[hexString]int }{}, "writes as they are, but reads with UnmarshalText: use plain strings"},
		{codec.JSON, struct{ M map[numbered]int }{}, "reads with UnmarshalText, but writes without MarshalText: give it a value receiver"},
		{codec.JSON, struct{ M map[*time.Time]int }{}, "whose keys JSON cannot carry"},
		{codec.JSON, struct{ M map[any]int }{}, "whose keys JSON cannot carry"},
		{codec.JSON, struct {
			M map[time.Time]int
			S map[sameText]int
			J map[jsonString]int
			W map[time.Weekday]int
		}{}, ""},
		{codec.JSON, struct{ C complex64 }{}, "which JSON cannot carry"},
	} {
		err := c.codec.(codec.Checker).Check(reflect.TypeOf(c.v))
		if c.says == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, c.says)
		}
	}
}
