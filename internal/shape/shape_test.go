package shape_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sesame-go/sesame/internal/shape"
)

type (
	Cart   struct{ Notify chan int }
	Hidden struct{ n int }
	inner  struct{ Wake func() }
	Tree   struct {
		Left, Right *Tree
		Kids        map[string][]Tree
	}
	own     struct{ c chan int }
	endless *endless
	there   *back
	back    *there
	noBytes struct {
		_ [0]func()
		A int
	}
)

func rule(t reflect.Type) (bool, error) {
	switch {
	case t == reflect.TypeFor[time.Time](), t == reflect.TypeFor[own]():
		return true, nil
	case t.Kind() == reflect.Complex64:
		return true, errors.New("which is too complex")
	}
	return false, nil
}

func TestCheck(t *testing.T) {
	type Session struct{ Cart Cart }
	for _, c := range []struct {
		v    any
		says string
	}{
		{Session{}, "Session.Cart.Notify has type chan int, which no codec can carry"},
		{struct{ Lines []*Cart }{}, "struct { Lines []*shape_test.Cart }.Lines[].Notify has type chan int, which no codec can carry"},
		{Hidden{}, "Hidden has type shape_test.Hidden, which has only unexported fields"},
		{map[Hidden]int{}, "the key of map[shape_test.Hidden]int has type shape_test.Hidden, which has only unexported fields"},
		{struct{ inner }{}, "struct { shape_test.inner }.inner.Wake has type func(), which no codec can carry"},
		{[3]complex64{}, "[3]complex64[] has type complex64, which is too complex"},
		{struct {
			Off chan int `tag:"-"`
			Own own
			At  *time.Time
			Set map[string]struct{}
			any any
		}{}, ""},
		{Tree{}, ""},
		{noBytes{}, ""},
		{struct{}{}, ""},
		{endless(nil), "endless has type shape_test.endless, which points to nothing but pointers"},
		{struct{ P ***there }{}, "struct { P ***shape_test.there }.P has type ***shape_test.there, which points to nothing but pointers"},
		{struct{ P **Tree }{}, ""},
	} {
		err := shape.Check(reflect.TypeOf(c.v), "tag", rule)
		if c.says == "" {
			assert.NoError(t, err, "%T", c.v)
		} else {
			assert.EqualError(t, err, c.says)
		}
	}
}
