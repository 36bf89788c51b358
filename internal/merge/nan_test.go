package merge_test

import (
	"math"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/merge"
)

// requireSame is require.Equal where a NaN is equal to itself: it compares the
// two as a merge does.
func requireSame(t *testing.T, want, got any) {
	t.Helper()
	if !merge.Equal(reflect.ValueOf(want), reflect.ValueOf(got)) {
		require.Equal(t, want, got)
	}
}

type inexact struct {
	Float   float64
	Narrow  float32
	Complex complex64
	Slice   []float64
	Array   [2]float32
	Map     map[string]float64
	Keys    map[float64]int
	Pairs   map[[2]float64]string
	AnyKeys map[any]int
	Any     any
	Struct  struct{ F, G float64 }
	Pointer *float64
	Deep    []map[string][]any
	Name    string
}

// anotherNaN returns one that no other has the bits of.
func anotherNaN() float64 {
	payload++
	return math.Float64frombits(0x7ff8<<48 | payload<<32 | payload)
}

var payload uint64

func notNumbers() *inexact {
	nan := anotherNaN()
	return &inexact{
		Float: nan, Narrow: float32(nan), Complex: complex(float32(nan), 1), Slice: []float64{1, nan}, Array: [2]float32{float32(nan), 2},
		Map: map[string]float64{"a": nan}, Keys: map[float64]int{nan: 1, 2: 2}, Pairs: map[[2]float64]string{{nan, 1}: "a", {1, nan}: "b"},
		AnyKeys: map[any]int{nan: 1, "x": 2}, Any: []any{nan, map[string]any{"x": nan}}, Struct: struct{ F, G float64 }{nan, 1},
		Pointer: &nan, Deep: []map[string][]any{{"a": {nan, "x"}}},
	}
}

// TestNaNIsNoChange changes each field in one request and nothing but the name
// in another.
func TestNaNIsNoChange(t *testing.T) {
	for name, change := range map[string]func(*inexact){
		"Float": func(s *inexact) { s.Float = 1 }, "Narrow": func(s *inexact) { s.Narrow = 1 }, "Complex": func(s *inexact) { s.Complex = 1 },
		"Slice": func(s *inexact) { s.Slice[0] = 3 }, "Array": func(s *inexact) { s.Array[1] = 3 }, "Map": func(s *inexact) { s.Map["b"] = 1 },
		"Keys":    func(s *inexact) { s.Keys[3] = 3 },
		"a key":   func(s *inexact) { s.Keys = map[float64]int{math.NaN(): 5, 2: 2} },
		"gone":    func(s *inexact) { s.Keys = map[float64]int{2: 2} },
		"Pairs":   func(s *inexact) { s.Pairs[[2]float64{1, 2}] = "c" },
		"AnyKeys": func(s *inexact) { s.AnyKeys["x"] = 3 },
		"Any":     func(s *inexact) { s.Any.([]any)[1].(map[string]any)["y"] = 1 },
		"Struct":  func(s *inexact) { s.Struct.G = 2 }, "Pointer": func(s *inexact) { *s.Pointer = 2 },
		"Deep": func(s *inexact) { s.Deep[0]["a"][1] = "y" }, "nothing": func(*inexact) {},
	} {
		want, mine, theirs := notNumbers(), notNumbers(), notNumbers()
		change(want)
		want.Name = "new"
		change(mine)
		theirs.Name = "new"
		require.Empty(t, merge.Structs(notNumbers(), mine, theirs), "%s: mine", name)
		requireSame(t, want, mine)

		mine, theirs = notNumbers(), notNumbers()
		mine.Name = "new"
		change(theirs)
		require.Empty(t, merge.Structs(notNumbers(), mine, theirs), "%s: theirs", name)
		requireSame(t, want, mine)
	}
}

// TestNaNKeys changes maps with such keys in both requests.
func TestNaNKeys(t *testing.T) {
	nan := anotherNaN()
	type session struct {
		M map[float64]int
		S map[float64]int `sesame:"sum"`
	}
	mine := &session{map[float64]int{nan: 1, 3: 3}, map[float64]int{nan: 2}}
	require.Empty(t, merge.Structs(&session{map[float64]int{nan: 1, 2: 2}, map[float64]int{nan: 1}}, mine,
		&session{map[float64]int{nan: 7, 2: 2, 4: 4}, map[float64]int{nan: 3}}))
	requireSame(t, &session{map[float64]int{nan: 7, 3: 3, 4: 4}, map[float64]int{nan: 4}}, mine)

	mine = &session{M: map[float64]int{nan: 1, 3: 3}}
	require.Empty(t, merge.Structs(&session{M: map[float64]int{nan: 1}}, mine, &session{M: map[float64]int{4: 4}}))
	requireSame(t, &session{M: map[float64]int{3: 3, 4: 4}}, mine)

	mine = &session{M: map[float64]int{nan: 2}}
	require.Equal(t, []string{"M"}, merge.Structs(&session{M: map[float64]int{nan: 1}}, mine, &session{M: map[float64]int{nan: 3}}))
	requireSame(t, &session{M: map[float64]int{nan: 2}}, mine)
}
