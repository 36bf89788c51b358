package shape_test

import (
	"encoding/json"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sesame-go/sesame/internal/shape"
)

type (
	writes         struct{ A int }
	writesPtr      struct{ A int }
	Generic[E any] struct {
		writes
		B E
	}
	declares struct {
		time.Time
		B int
	}
	declaresPtr struct {
		*time.Time
		B int
	}
	only     struct{ time.Time }
	nested   struct{ only }
	pointing struct{ *time.Time }
	loses    struct {
		writes
		B int
	}
	losesPtr struct {
		writesPtr
		B int
	}
	Inner struct{ B int }
	hides struct {
		time.Time
		b     int
		Inner `first:"-"`
		C     int `second:"-"`
	}
)

type (
	Label   string
	noCopy  struct{}
	forgets struct {
		time.Time
		B int
	}
	wraps      struct{ time.Time }
	forgetsPtr struct{ *time.Time }
)

func (forgets) MarshalJSON() ([]byte, error)     { return nil, nil }
func (wraps) MarshalJSON() ([]byte, error)       { return nil, nil }
func (*forgetsPtr) MarshalJSON() ([]byte, error) { return nil, nil }

func (declares) UnmarshalJSON([]byte) error     { return nil }
func (*declaresPtr) UnmarshalJSON([]byte) error { return nil }

func (writes) MarshalJSON() ([]byte, error)       { return nil, nil }
func (*writesPtr) MarshalJSON() ([]byte, error)   { return nil, nil }
func (Generic[E]) MarshalJSON() ([]byte, error)   { return nil, nil }
func (declares) MarshalJSON() ([]byte, error)     { return nil, nil }
func (*declaresPtr) MarshalJSON() ([]byte, error) { return nil, nil }

func TestCheckPromoted(t *testing.T) {
	write := func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("MarshalJSON") }
	read := func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("UnmarshalJSON") }
	for _, c := range []struct {
		v    any
		says string
	}{
		{3, ""},
		{time.Time{}, ""},
		{writes{}, ""},
		{writesPtr{}, ""},
		{Inner{}, ""},
		{Generic[int]{}, ""},
		{declares{}, ""},
		{declaresPtr{}, ""},
		{only{}, ""},
		{nested{}, ""},
		{hides{}, ""},
		{struct{ T time.Time }{}, ""},
		{loses{}, "which would be written by MarshalJSON of the embedded shape_test.writes, without the field B: " +
			"give what is embedded a name, or the struct methods of its own"},
		{losesPtr{}, "embedded shape_test.writesPtr, without the field B"},
		{struct{ loses }{}, "embedded shape_test.writes, without the field B"},
		{struct {
			Inner
			time.Time
		}{}, "embedded time.Time, without the field Inner"},
		{struct {
			only
			writes
		}{}, "embedded shape_test.writes, without the field only"},
		{struct {
			time.Time
			B int `first:"b" second:"-"`
		}{}, "without the field B"},
		{struct{ *time.Time }{}, "which would be written by MarshalJSON of the embedded *time.Time, which may be nil: " +
			"give that field a name, or embed a value"},
		{struct{ pointing }{}, "embedded *time.Time, which may be nil"},
		{struct {
			time.Time
			Label
		}{}, "without the field Label"},
		{struct {
			noCopy
			sync.Mutex
			time.Time
		}{}, ""},
		{wraps{}, ""},
		{forgets{}, "which would be read by UnmarshalJSON of the embedded time.Time, without the field B"},
		{forgetsPtr{}, "which would be read by UnmarshalJSON of the embedded *time.Time, which may be nil"},
		{struct{ json.Marshaler }{}, "embedded json.Marshaler, which may be nil"},
	} {
		err := shape.CheckPromoted(reflect.TypeOf(c.v), write, read, "first", "second")
		if c.says == "" {
			assert.NoError(t, err, "%T", c.v)
		} else {
			assert.ErrorContains(t, err, c.says, "%T", c.v)
		}
	}
}
