package shape_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
	uncompared struct{ _ [0]func() }
	Uncompared struct{ _ [0]func() }
	ID         struct{ ID int }
	deepID     struct{ ID }
	Again      struct {
		*Again
		N int
	}
	unreachable struct{ Hidden }
	Deep        struct {
		*Hidden
		N int
	}
	Named string
)

// dialect has tags of a name and one of the words try and keep.
var dialect = &shape.Dialect{
	Tag: func(f reflect.StructField) (shape.Tag, error) {
		name, how, _ := strings.Cut(f.Tag.Get("tag"), ",")
		if name == "bad" {
			return shape.Tag{}, errors.New("which has a bad tag")
		}
		return shape.Tag{Name: name, Skip: name == "-", Embed: map[string]shape.Embed{"try": shape.Try, "keep": shape.Keep}[how]}, nil
	},
	Rule: func(t reflect.Type) (bool, error) {
		switch {
		case t == reflect.TypeFor[time.Time](), t == reflect.TypeFor[own]():
			return true, nil
		case t.Kind() == reflect.Complex64:
			return false, errors.New("which is too complex")
		}
		return false, nil
	},
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
		{unreachable{}, "unreachable has type shape_test.unreachable, which embeds shape_test.Hidden, which has only unexported fields"},
		{struct {
			Hidden
			N int
		}{}, "which embeds shape_test.Hidden, which has only unexported fields"},
		{struct{ L []struct{ Deep } }{}, "which embeds shape_test.Deep, which embeds *shape_test.Hidden, which has only unexported fields"},
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
		{struct {
			uncompared
			Uncompared
		}{}, ""},
		{endless(nil), "endless has type shape_test.endless, which points to nothing but pointers"},
		{struct{ P ***there }{}, "struct { P ***shape_test.there }.P has type ***shape_test.there, which points to nothing but pointers"},
		{struct{ P **Tree }{}, ""},
	} {
		for range 2 { // it remembers what it has found
			err := dialect.Check(reflect.TypeOf(c.v))
			if c.says == "" {
				assert.NoError(t, err, "%T", c.v)
			} else {
				assert.ErrorContains(t, err, c.says)
			}
		}
	}
}

func TestFields(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string // keys and paths
	}{
		{struct {
			A int `tag:"a"`
			B int `tag:"-"`
			c int
			Named
			*int
		}{}, "a=A Named=Named"},
		{struct {
			Z int
			deepID
			*noBytes `tag:"-"`
		}{}, "Z=Z ID=deepID.ID.ID"},
		{struct {
			*ID
			A int
		}{}, "ID=ID.ID A=A"},
		{struct {
			ID `tag:",keep"`
			A  int
		}{}, "ID=ID A=A"},
		{struct {
			Deep `tag:"d,keep"`
		}{}, "d=Deep"},
		{struct {
			noBytes `tag:",try"`
			*ID     `tag:"i,try"`
			ID2     int `tag:"ID"`
		}{}, "A=noBytes.A i=ID ID=ID2"},
		{struct {
			time.Time `tag:",try"`
			N         int
		}{}, "Time=Time N=N"},
	} {
		fields, err := dialect.Fields(reflect.TypeOf(c.v))
		require.NoError(t, err)
		var got []string
		for _, f := range fields {
			got = append(got, f.Key+"="+f.Path)
			of := reflect.TypeOf(c.v).FieldByIndex(f.Index)
			require.Equal(t, of.Name, f.Name)
			require.Equal(t, of.Type, f.Type)
			in := reflect.TypeOf(c.v)
			if i := len(f.Index) - 1; i > 0 {
				if in = in.FieldByIndex(f.Index[:i]).Type; in.Kind() == reflect.Pointer {
					in = in.Elem()
				}
			}
			require.Equal(t, in, f.In)
		}
		require.Equal(t, c.want, strings.Join(got, " "))
	}
}

func TestFieldsThatWouldBeLost(t *testing.T) {
	for _, c := range []struct {
		v    any
		says string
	}{
		{struct {
			ID
			A int `tag:"ID"`
		}{}, `which has two fields called "ID", of which one would be lost: rename one`},
		{struct {
			A int
			B int `tag:"A"`
		}{}, `two fields called "A"`},
		{struct {
			ID
			deepID
		}{}, `two fields called "ID"`},
		{struct {
			deepID `tag:",try"`
			A      int `tag:"ID"`
		}{}, `two fields called "ID"`},
		{struct {
			ID `tag:"A,keep"`
			A  int
		}{}, `two fields called "A"`},
		{Again{}, "which embeds *shape_test.Again, which embeds itself"},
		{struct{ *noBytes }{}, "which embeds *shape_test.noBytes, which cannot be set when decoding: embed it without the pointer"},
		{struct {
			noBytes `tag:"n,keep"`
		}{}, "which embeds shape_test.noBytes, whose fields would be lost: export the type, or give the field a name"},
		{struct {
			time.Time
			N int
		}{}, "which embeds time.Time, whose methods have no effect there: give the field a name"},
		{struct {
			A int `tag:"bad"`
		}{}, "which has a bad tag"},
	} {
		_, err := dialect.Fields(reflect.TypeOf(c.v))
		assert.ErrorContains(t, err, c.says, "%T", c.v)
	}
}

func TestCheckValue(t *testing.T) {
	type session struct {
		Name string
		Tree *Tree
		Any  any
		Map  map[string]any
		Keys map[Named]bool
		Off  *Tree `tag:"-"`
		own  *Tree
		*ID
		At own
	}
	cycle := &Tree{}
	cycle.Kids = map[string][]Tree{"a": {{Left: cycle}}}
	for _, c := range []struct {
		v    session
		want error
	}{
		{session{}, nil},
		{session{Name: "ä", Tree: &Tree{Left: &Tree{}}, Any: []any{1, "x", nil}, Off: cycle, own: cycle}, nil},
		{session{Tree: cycle}, shape.ErrDeep},
		{session{Any: cycle}, shape.ErrDeep},
		{session{Map: map[string]any{"a": []any{cycle}}}, shape.ErrDeep},
		{session{Name: "\xff"}, shape.ErrText},
		{session{Any: []string{"\xff"}}, shape.ErrText},
		{session{Map: map[string]any{"\xff": 1}}, shape.ErrText},
		{session{Keys: map[Named]bool{"\xff": true}}, shape.ErrText},
	} {
		require.Equal(t, c.want, dialect.CheckValue(reflect.ValueOf(&c.v).Elem(), 100, true))
		if c.want == shape.ErrText {
			require.NoError(t, dialect.CheckValue(reflect.ValueOf(&c.v).Elem(), 100, false))
		}
	}
	for _, v := range []any{make(chan int), Hidden{}, endless(nil)} {
		require.ErrorContains(t, dialect.CheckValue(reflect.ValueOf(session{Any: v}), 100, true), " has type ")
	}
	deep := []any{}
	for range 3 { // an interface and a slice each
		deep = []any{deep}
	}
	v := reflect.ValueOf(struct{ V any }{deep})
	require.NoError(t, dialect.CheckValue(v, 9, true))
	require.Equal(t, shape.ErrDeep, dialect.CheckValue(v, 8, true))
}
