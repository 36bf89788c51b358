package merge_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/merge"
)

type counters struct {
	Int     int                       `sesame:"sum"`
	Int8    int8                      `sesame:"sum"`
	Uint    uint                      `sesame:"sum,secret"`
	Uint8   uint8                     `sesame:"sum"`
	Float   float64                   `sesame:"sum"`
	Float32 float32                   `sesame:"sum"`
	Complex complex128                `sesame:"sum"`
	Waited  time.Duration             `sesame:"sum"`
	Pointer *int                      `sesame:"sum"`
	Cart    map[string]int            `sesame:"sum"`
	Deep    map[string]map[int]*uint8 `sesame:"sum"`
	Plain   int
	Nested  struct {
		N int `sesame:"sum"`
	}
	Lines map[string]line
	List  []line
}

type line struct {
	Text string
	N    int `sesame:"sum"`
}

func TestSum(t *testing.T) {
	for _, c := range []struct {
		name               string
		base, mine, theirs counters
		want               counters
		conflicts          []string
	}{
		{
			name: "one each", base: counters{Int: 1, Plain: 1}, mine: counters{Int: 2, Plain: 2}, theirs: counters{Int: 2, Plain: 2},
			want: counters{Int: 3, Plain: 2}, conflicts: []string{"Plain"},
		},
		{name: "less", base: counters{Int: 5}, mine: counters{Int: 3}, theirs: counters{Int: -9}, want: counters{Int: -11}},
		{name: "only mine", base: counters{Int: 5}, mine: counters{Int: 3}, theirs: counters{Int: 5}, want: counters{Int: 3}},
		{name: "only theirs", base: counters{Int: 5}, mine: counters{Int: 5}, theirs: counters{Int: 3}, want: counters{Int: 3}},
		{
			name: "integers wrap", base: counters{Int: 0, Int8: 100, Uint8: 200}, mine: counters{Int: math.MaxInt, Int8: 120, Uint8: 250},
			theirs: counters{Int: 1, Int8: 110, Uint8: 210}, want: counters{Int: math.MinInt, Int8: -126, Uint8: 4},
		},
		{
			name: "unsigned stop at 0", base: counters{Uint: 10, Uint8: 9}, mine: counters{Uint: 2, Uint8: 0}, theirs: counters{Uint: 3, Uint8: 200},
			want: counters{Uint: 0, Uint8: 191},
		},
		{
			name: "floats", base: counters{Float: 1, Float32: 0.5, Complex: 1}, mine: counters{Float: 1.5, Float32: 1, Complex: 1i},
			theirs: counters{Float: 3, Float32: -1, Complex: 2}, want: counters{Float: 3.5, Float32: -0.5, Complex: 1 + 1i},
		},
		{
			name: "without a difference", base: counters{Float: 1, Float32: float32(math.Inf(1)), Complex: complex(math.Inf(1), 0)},
			mine: counters{Float: math.Inf(1), Float32: 1, Complex: 1}, theirs: counters{Float: 2, Float32: 2, Complex: 2},
			want:      counters{Float: math.Inf(1), Float32: 1, Complex: 1},
			conflicts: []string{"Complex", "Float", "Float32"},
		},
		{name: "an infinity they have", base: counters{Float: 1}, mine: counters{Float: 2}, theirs: counters{Float: math.Inf(-1)}, want: counters{Float: math.Inf(-1)}},
		{name: "durations", mine: counters{Waited: time.Second}, theirs: counters{Waited: time.Minute}, want: counters{Waited: 61 * time.Second}},
		{name: "pointers", base: counters{Pointer: new(1)}, mine: counters{Pointer: new(2)}, theirs: counters{Pointer: new(3)}, want: counters{Pointer: new(4)}},
		{name: "new pointers", mine: counters{Pointer: new(2)}, theirs: counters{Pointer: new(3)}, want: counters{Pointer: new(5)}},
		{
			name: "a pointer that is gone", base: counters{Pointer: new(1)}, mine: counters{Pointer: nil}, theirs: counters{Pointer: new(3)},
			want: counters{Pointer: nil}, conflicts: []string{"Pointer"},
		},
		{
			name: "maps", base: counters{Cart: map[string]int{"a": 1, "b": 1}}, mine: counters{Cart: map[string]int{"a": 2, "b": 1, "new": 1}},
			theirs: counters{Cart: map[string]int{"a": 5, "new": 2}}, want: counters{Cart: map[string]int{"a": 6, "new": 3}},
		},
		{
			name: "a key that I removed", base: counters{Cart: map[string]int{"a": 1}}, mine: counters{Cart: map[string]int{}},
			theirs: counters{Cart: map[string]int{"a": 5}}, want: counters{Cart: map[string]int{}}, conflicts: []string{"Cart"},
		},
		{
			name: "a key that they removed", base: counters{Cart: map[string]int{"a": 1}}, mine: counters{Cart: map[string]int{"a": 5}},
			theirs: counters{Cart: nil}, want: counters{Cart: map[string]int{"a": 5}}, conflicts: []string{"Cart"},
		},
		{
			name: "from nil", mine: counters{Cart: map[string]int{"a": 1}}, theirs: counters{Cart: map[string]int{"a": 1, "b": 1}},
			want: counters{Cart: map[string]int{"a": 2, "b": 1}},
		},
		{
			name: "maps of maps", base: counters{Deep: map[string]map[int]*uint8{"x": {1: new(uint8(1))}}},
			mine: counters{Deep: map[string]map[int]*uint8{"x": {1: new(uint8(2))}}}, theirs: counters{Deep: map[string]map[int]*uint8{"x": {1: new(uint8(4))}}},
			want: counters{Deep: map[string]map[int]*uint8{"x": {1: new(uint8(5))}}},
		},
		{
			name: "in structs", base: counters{Lines: map[string]line{"a": {"x", 1}}}, mine: counters{Lines: map[string]line{"a": {"x", 2}}},
			theirs: counters{Lines: map[string]line{"a": {"y", 3}}}, want: counters{Lines: map[string]line{"a": {"y", 4}}},
		},
		{
			name: "in a slice, without effect", base: counters{List: []line{{"x", 1}}}, mine: counters{List: []line{{"x", 2}}},
			theirs: counters{List: []line{{"x", 3}}}, want: counters{List: []line{{"x", 2}}}, conflicts: []string{"List"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.conflicts, merge.Structs(&c.base, &c.mine, &c.theirs))
			require.Equal(t, c.want, c.mine)
		})
	}
}

type lists struct {
	Strings []string            `sesame:"items"`
	Floats  []float64           `sesame:"items"`
	Structs []line              `sesame:"items"`
	Any     []any               `sesame:"items"`
	ByName  map[string][]string `sesame:"items"`
	Pointer *[]int              `sesame:"items"`
	Plain   []string
}

func TestItems(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name               string
		base, mine, theirs lists
		want               lists
		conflicts          []string
	}{
		{
			name: "both add", base: lists{Strings: []string{"a"}, Plain: []string{"a"}}, mine: lists{Strings: []string{"a", "b"}, Plain: []string{"a", "b"}},
			theirs: lists{Strings: []string{"a", "c"}, Plain: []string{"a", "c"}},
			want:   lists{Strings: []string{"a", "c", "b"}, Plain: []string{"a", "b"}}, conflicts: []string{"Plain"},
		},
		{
			name: "add and remove", base: lists{Strings: []string{"a", "b", "c"}}, mine: lists{Strings: []string{"c", "x", "a"}},
			theirs: lists{Strings: []string{"y", "c", "b"}}, want: lists{Strings: []string{"y", "c", "x"}},
		},
		{
			name: "equal items count", base: lists{Strings: []string{"a", "a"}}, mine: lists{Strings: []string{"a", "a", "a"}},
			theirs: lists{Strings: []string{"a"}}, want: lists{Strings: []string{"a", "a"}},
		},
		{
			name: "each removes one", base: lists{Strings: []string{"a", "x", "a"}}, mine: lists{Strings: []string{"x", "a"}},
			theirs: lists{Strings: []string{"a", "x"}}, want: lists{Strings: []string{"x"}},
		},
		{
			name: "both remove the same", base: lists{Strings: []string{"a", "b"}}, mine: lists{Strings: []string{"b"}},
			theirs: lists{Strings: []string{"b"}}, want: lists{Strings: []string{"b"}},
		},
		{
			name: "the oldest goes", base: lists{Strings: []string{"1", "2", "3"}}, mine: lists{Strings: []string{"2", "3", "4"}},
			theirs: lists{Strings: []string{"2", "3", "5"}}, want: lists{Strings: []string{"2", "3", "5", "4"}},
		},
		{
			name: "mine is nil", base: lists{Strings: []string{"a"}}, mine: lists{}, theirs: lists{Strings: []string{"a", "b"}}, want: lists{Strings: []string{"b"}},
		},
		{
			name: "all gone", base: lists{Strings: []string{"a"}}, mine: lists{Strings: nil}, theirs: lists{Strings: []string{}}, want: lists{Strings: nil},
		},
		{
			name: "NaN is one item", base: lists{Floats: []float64{nan, 1, nan}}, mine: lists{Floats: []float64{1, nan}},
			theirs: lists{Floats: []float64{anotherNaN(), 1, nan, 2}}, want: lists{Floats: []float64{1, nan, 2}},
		},
		{
			name: "structs", base: lists{Structs: []line{{"a", 1}}}, mine: lists{Structs: []line{{"a", 2}}}, theirs: lists{Structs: []line{{"a", 1}, {"b", 1}}},
			want: lists{Structs: []line{{"b", 1}, {"a", 2}}},
		},
		{
			name: "what cannot be a key", base: lists{Any: []any{[]any{1}, map[string]any{"a": nan}}}, mine: lists{Any: []any{[]any{1}}},
			theirs: lists{Any: []any{map[string]any{"a": nan}, 2}}, want: lists{Any: []any{2}},
		},
		{
			name: "maps", base: lists{ByName: map[string][]string{"x": {"a"}, "y": {"a"}}}, mine: lists{ByName: map[string][]string{"x": {"a", "b"}, "y": {"b"}, "z": {"m"}}},
			theirs:    lists{ByName: map[string][]string{"x": {"c", "a"}, "z": {"t"}}},
			want:      lists{ByName: map[string][]string{"x": {"c", "a", "b"}, "y": {"b"}, "z": {"t", "m"}}},
			conflicts: []string{"ByName"},
		},
		{
			name: "pointers", base: lists{Pointer: &[]int{1}}, mine: lists{Pointer: &[]int{1, 2}}, theirs: lists{Pointer: &[]int{1, 3}},
			want: lists{Pointer: &[]int{1, 3, 2}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			conflicts := merge.Structs(&c.base, &c.mine, &c.theirs)
			require.Equal(t, c.conflicts, conflicts)
			requireSame(t, c.want, c.mine)
		})
	}
}
