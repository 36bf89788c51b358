package codectest

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/sesame-go/sesame/codec"
)

// sample makes sessions. make is a function, so that each call can fill the maps
// in a different order.
type sample struct {
	name  string
	make  func(order []int) any // a pointer to a struct
	rare  bool                  // a codec may return an error for it
	loose bool                  // only a decoded value encodes to the same bytes again
}

// encode encodes a sample. ok is false, and err nil, if the sample is rare and
// the codec does not support it.
func (s sample) encode(c codec.Codec, v any) (data []byte, ok bool, err error) {
	if checker, ok := c.(codec.Checker); ok && s.rare && checker.Check(reflect.TypeOf(v).Elem()) != nil {
		return nil, false, nil
	}
	data, err = encode(c, v)
	if _, panicked := err.(panicError); err != nil && s.rare && !panicked {
		return nil, false, nil
	}
	return data, err == nil, err
}

// Everything has a field of every kind that a codec must support.
type Everything struct {
	Bool     bool
	Int      int
	Int8     int8
	Int16    int16
	Int32    int32
	Int64    int64
	Uint     uint
	Uint8    uint8
	Uint16   uint16
	Uint32   uint32
	Uint64   uint64
	Float32  float32
	Float64  float64
	String   string
	Bytes    []byte
	Duration time.Duration
	Word     Word
	Time     time.Time
	TimePtr  *time.Time
	Array    [3]int
	Pointer  *int
	NilPtr   *int
	Strings  []string
	Structs  []Item
	NilSlice []string
	Empty    []string
	Nested   Item
	NestPtr  *Item
	Counts   map[string]int
	Texts    map[string]string
	ByInt    map[int]string
	ByWord   map[Word]bool
	Maps     map[string]map[string]int
	Lists    map[string][]int
	Items    map[string]Item
	ItemPtrs map[string]*Item
	NilMap   map[string]int
	EmptyMap map[string]int
	Embedded
	*EmbeddedPtr
	hidden int
}

type (
	// Word is a named string.
	Word string
	// Item is a struct within a session.
	Item struct {
		SKU  string
		Qty  int
		Tags map[string]string
		Sub  *Item
	}
	// Embedded is embedded in Everything.
	Embedded struct{ Inner, Outer int }
	// EmbeddedPtr is embedded in Everything by a pointer.
	EmbeddedPtr struct{ Far string }
	// Level encodes itself as text.
	Level struct{ n int }
	// Point is a struct that serves as a map key.
	Point struct{ X, Y int }
	// Blob encodes itself as binary data.
	Blob struct{ s string }
)

// MarshalText implements [encoding.TextMarshaler].
func (l Level) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "level-%d", l.n), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (l *Level) UnmarshalText(b []byte) (err error) {
	digits, ok := strings.CutPrefix(string(b), "level-")
	if !ok {
		return fmt.Errorf("%q is not a level", b)
	}
	l.n, err = strconv.Atoi(digits)
	return err
}

// MarshalBinary implements [encoding.BinaryMarshaler].
func (b Blob) MarshalBinary() ([]byte, error) { return []byte("blob" + b.s), nil }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (b *Blob) UnmarshalBinary(data []byte) error {
	s, ok := strings.CutPrefix(string(data), "blob")
	if !ok {
		return fmt.Errorf("%q is not a blob", data)
	}
	b.s = s
	return nil
}

var when = time.Date(2026, 8, 1, 14, 30, 15, 123456789, time.FixedZone("east", 2*60*60))

func everything(order []int) any {
	e := &Everything{
		Bool: true, Int: -1234567, Int8: -8, Int16: 300, Int32: -70000, Int64: 1<<62 + 1,
		Uint: 7, Uint8: 200, Uint16: 65535, Uint32: 1 << 31, Uint64: 1<<63 + 5,
		Float32: 0.1, Float64: -2.5e-8, String: "naïve \"text\"\n<&>\u2028\ufffd\x00", Bytes: []byte{0, 0xff, 7},
		Duration: time.Hour, Word: "word", Time: when, TimePtr: new(when.UTC()),
		Array: [3]int{1, 0, 3}, Pointer: new(5), Strings: []string{"b", "", "a"},
		Structs:  []Item{{SKU: "one", Qty: 1}, {}, {SKU: "two", Sub: &Item{SKU: "deep"}}},
		Empty:    []string{},
		EmptyMap: map[string]int{},
		Nested:   Item{SKU: "nested", Tags: fill(order, key, key)},
		NestPtr:  &Item{Qty: 2},
		Counts:   fill(order, key, number),
		Texts:    fill(order, key, key),
		ByInt:    fill(order, func(i int) int { return i*1000 - 3000 }, key),
		ByWord:   fill(order, func(i int) Word { return Word(key(i)) }, func(i int) bool { return i%2 == 0 }),
		Maps:     fill(order, key, func(int) map[string]int { return fill(order, key, number) }),
		Lists:    fill(order, key, func(i int) []int { return make([]int, i) }),
		Items:    fill(order, key, func(i int) Item { return Item{SKU: key(i), Tags: fill(order, key, key)} }),
		ItemPtrs: fill(order, key, func(i int) *Item { return &Item{Qty: i + 1} }),
		Embedded: Embedded{1, 2}, EmbeddedPtr: &EmbeddedPtr{"far"},
	}
	return e
}

// samples are the sessions that most checks use.
var samples = []sample{
	{name: "everything", make: everything},
	{name: "zero", make: func([]int) any { return new(Everything) }},
	{name: "no fields set", make: func([]int) any { return new(Item) }},
	{name: "times", make: func([]int) any {
		return &struct{ Zero, Now, Local, Old, Far time.Time }{
			Now: time.Now(), Local: when.Local(), Old: time.Unix(-1, 1), Far: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC),
		}
	}},
	{name: "sets", rare: true, make: func(order []int) any {
		return &struct{ Set map[string]struct{} }{fill(order, key, func(int) struct{} { return struct{}{} })}
	}},
	{name: "bool keys", rare: true, make: func([]int) any {
		return &struct{ M map[bool]int }{map[bool]int{true: 1, false: 2}}
	}},
	{name: "float keys", rare: true, make: func(order []int) any {
		return &struct{ M map[float64]int }{fill(order, func(i int) float64 { return float64(i) / 3 }, number)}
	}},
	{name: "struct keys", rare: true, make: func(order []int) any {
		return &struct{ M map[Point]string }{fill(order, func(i int) Point { return Point{i, -i} }, key)}
	}},
	{name: "array keys", rare: true, make: func(order []int) any {
		return &struct{ M map[[2]int]string }{fill(order, func(i int) [2]int { return [2]int{-i, i} }, key)}
	}},
	{name: "text methods", rare: true, make: func(order []int) any {
		return &struct {
			Level  Level
			Ptr    *Level
			Levels []Level
			Keys   map[Level]int
		}{Level{3}, &Level{4}, []Level{{5}, {6}}, fill(order, func(i int) Level { return Level{i} }, number)}
	}},
	{name: "binary methods", rare: true, make: func(order []int) any {
		return &struct {
			Blob  Blob
			Ptr   *Blob
			Blobs map[string]Blob
		}{Blob{"a"}, &Blob{"b"}, fill(order, key, func(i int) Blob { return Blob{key(i)} })}
	}},
	{name: "any", rare: true, make: func([]int) any {
		return &struct{ Nil, Bool, Int, Big, Neg, Float, String any }{nil, true, 5, int64(1<<60 + 1), -7, 2.5, "text"}
	}},
	{name: "any map", rare: true, make: func(order []int) any {
		return &struct{ M map[string]any }{fill(order, key, func(i int) any {
			return []any{i, key(i), float64(i) / 7, true, nil}[i%5]
		})}
	}},
	{name: "nested any", rare: true, make: func(order []int) any {
		return &struct{ M any }{map[string]any{
			"map":  fill(order, key, func(i int) any { return fill(order, key, func(i int) any { return i }) }),
			"list": []any{1, "two", []any{}, map[string]any{}},
		}}
	}},
	{name: "typed values in any", rare: true, make: func(order []int) any {
		return &struct{ M any }{map[string]any{"strings": []string{"a"}, "ints": fill(order, number, number)}}
	}},
	{name: "structs in any", rare: true, loose: true, make: func(order []int) any {
		return &struct{ S any }{[]any{Item{SKU: "x", Tags: fill(order, key, key)}, &Point{1, 2}}}
	}},
	{name: "any keys", rare: true, make: func(order []int) any {
		return &struct{ M map[any]int }{fill(order, func(i int) any {
			if i%2 == 0 {
				return i
			}
			return key(i)
		}, number)}
	}},
}

// entries is the size of the samples' maps: larger than Go's small maps.
const entries = 12

func fill[K comparable, V any](order []int, key func(int) K, value func(int) V) map[K]V {
	m := make(map[K]V)
	for _, i := range order {
		m[key(i)] = value(i)
	}
	return m
}

// key makes strings whose alphabetical order differs from the order by length.
func key(i int) string { return strings.Repeat(string(rune('z'-i)), i*i%50) + strconv.Itoa(i) }

func number(i int) int { return i * i * 10 }

// inOrder returns the default order in which the samples' maps are filled.
func inOrder() []int {
	order := make([]int, entries)
	for i := range order {
		order[i] = i
	}
	return order
}

// fresh returns a pointer to a zero value of the type that v points to.
func fresh(v any) any { return reflect.New(reflect.TypeOf(v).Elem()).Interface() }

// same reports whether a codec may decode a as b. Nil and empty are the same,
// and so are a nil pointer and a pointer to a zero value. Times are the same if
// they are the same instant. Values in an interface may have another type.
func same(a, b reflect.Value) bool {
	if a.Kind() == reflect.Interface {
		return a.IsNil() == b.IsNil() && (a.IsNil() || sameInAny(a.Elem(), b.Elem()))
	}
	if t, ok := a.Interface().(time.Time); ok {
		return t.Equal(b.Interface().(time.Time))
	}
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return (a.IsNil() || a.Elem().IsZero()) && (b.IsNil() || b.Elem().IsZero())
		}
		return same(a.Elem(), b.Elem())
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		for k, v := range a.Seq2() {
			if a.Type().Key().Kind() == reflect.Interface {
				break // the keys may have another type, too
			}
			if isNaN(k) {
				continue // NaN is not equal to itself, so no lookup finds it
			}
			if w := b.MapIndex(k); !w.IsValid() || !same(v, w) {
				return false
			}
		}
		return a.Len() == b.Len()
	case reflect.Struct:
		for i := range a.NumField() {
			if a.Type().Field(i).IsExported() && !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		if a.Comparable() && a.NumField() > 0 && !a.Type().Field(0).IsExported() {
			return a.Equal(b) // Level, Blob
		}
		return true
	default:
		return a.Equal(b) || isNaN(a) && isNaN(b)
	}
}

func isNaN(v reflect.Value) bool { return v.CanFloat() && math.IsNaN(v.Float()) }

// sameInAny compares values in interfaces, whose types may differ: scalars as
// printed, containers by length.
func sameInAny(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Map, reflect.Slice:
		return a.Len() == b.Len()
	case reflect.Struct:
		return true
	default:
		return fmt.Sprint(a.Interface()) == fmt.Sprint(b.Interface())
	}
}
