package merge_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/internal/merge"
)

// TestRandomStructs merges random values of random types. A merge with a side
// that changed nothing is the other side, to the byte and without a conflict;
// no merge of a type that Check accepts panics; and what it sets in a live
// value is what it has made of mine.
func TestRandomStructs(t *testing.T) {
	accepted := 0
	for seed := range uint64(1000) {
		types := rand.New(rand.NewPCG(seed, 1))
		typ := randomStruct(types, 3)
		if merge.Check(typ) != nil {
			continue
		}
		accepted++
		base := func() reflect.Value { return random(rand.New(rand.NewPCG(seed, 2)), typ, 3) }
		mine := func() reflect.Value { return edited(base(), rand.New(rand.NewPCG(seed, 3))) }
		theirs := func() reflect.Value { return edited(base(), rand.New(rand.NewPCG(seed, 4))) }
		structs := func(base, mine, theirs reflect.Value) []string {
			return merge.Structs(base.Addr().Interface(), mine.Addr().Interface(), theirs.Addr().Interface())
		}

		m := mine()
		require.Empty(t, structs(base(), m, base()), "seed %d", seed)
		requireEqual(t, seed, mine(), m, "mine, where they changed nothing")
		m = base()
		require.Empty(t, structs(base(), m, theirs()), "seed %d", seed)
		requireEqual(t, seed, theirs(), m, "theirs, where I changed nothing")

		m, live := mine(), mine()
		conflicts := structs(base(), m, theirs())
		require.Equal(t, conflicts, merge.Into(live.Addr().Interface(), base().Addr().Interface(), mine().Addr().Interface(), theirs().Addr().Interface()))
		requireEqual(t, seed, m, live, "the live value")
		require.True(t, slices.IsSorted(conflicts))
	}
	require.Greater(t, accepted, 500)
}

func requireEqual(t *testing.T, seed uint64, want, got reflect.Value, what string) {
	t.Helper()
	if !merge.Equal(want, got) {
		t.Fatalf("seed %d: %s: want\n%+v\ngot\n%+v", seed, what, want, got)
	}
}

var fieldTags = []reflect.StructTag{"", "", "", `sesame:"sum"`, `sesame:"items"`, `sesame:"secret"`, `json:"x" sesame:"secret,sum"`}

func randomStruct(rng *rand.Rand, depth int) reflect.Type {
	fields := make([]reflect.StructField, 1+rng.IntN(4))
	for i := range fields {
		fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: randomType(rng, depth), Tag: fieldTags[rng.IntN(len(fieldTags))]}
		if merge.Check(reflect.StructOf(fields[i:i+1])) != nil {
			fields[i].Tag = ""
		}
	}
	return reflect.StructOf(fields)
}

var basic = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[uint](), reflect.TypeFor[uint16](),
	reflect.TypeFor[float64](), reflect.TypeFor[float32](), reflect.TypeFor[complex128](), reflect.TypeFor[string](),
	reflect.TypeFor[time.Time](), reflect.TypeFor[any](), reflect.TypeFor[tally](), reflect.TypeFor[whole](), reflect.TypeFor[session](),
	reflect.TypeFor[counters](), reflect.TypeFor[lists](), reflect.TypeFor[sealed](), reflect.TypeFor[[]byte](),
}

func randomType(rng *rand.Rand, depth int) reflect.Type {
	kind := rng.IntN(10)
	if depth == 0 {
		kind = 9
	}
	switch kind {
	case 0, 1:
		return reflect.SliceOf(randomType(rng, depth-1))
	case 2, 3:
		keys := []reflect.Type{reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[float64](), reflect.TypeFor[any]()}
		return reflect.MapOf(keys[rng.IntN(len(keys))], randomType(rng, depth-1))
	case 4:
		return reflect.PointerTo(randomType(rng, depth-1))
	case 5:
		return reflect.ArrayOf(2, randomType(rng, depth-1))
	case 6:
		return randomStruct(rng, depth-1)
	}
	return basic[rng.IntN(len(basic))]
}

// random returns a value that can be set. It is one of few, so that changes
// are often alike.
func random(rng *rand.Rand, t reflect.Type, depth int) reflect.Value {
	v := reflect.New(t).Elem()
	n := rng.IntN(4)
	if t == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(int64(n), 0).UTC()))
		return v
	}
	switch t.Kind() {
	case reflect.Bool:
		v.SetBool(n < 2)
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{0, 1.5, math.NaN(), math.Inf(1)}[n])
	case reflect.Complex64, reflect.Complex128:
		v.SetComplex(complex(0, []float64{0, 1, math.NaN(), -1}[n]))
	case reflect.String:
		v.SetString("abc"[:n])
	case reflect.Interface:
		held := []any{nil, n, math.NaN(), "x", []any{1, "y", math.NaN()}, map[string]any{"a": n, "b": []any{n}}, &line{"p", n}, time.Unix(1, 0)}[rng.IntN(8)]
		if held != nil {
			v.Set(reflect.ValueOf(held))
		}
	case reflect.Slice:
		if n > 0 { // else nil, and empty below
			v.Set(reflect.MakeSlice(t, n-1, n))
		}
	case reflect.Map:
		if n > 0 {
			v.Set(reflect.MakeMap(t))
		}
	case reflect.Pointer:
		if n > 0 && depth > 0 {
			v.Set(random(rng, t.Elem(), depth-1).Addr())
		}
	}
	switch {
	case v.CanInt():
		v.SetInt(int64(n - 1))
	case v.CanUint():
		v.SetUint(uint64(n))
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			v.Index(i).Set(random(rng, t.Elem(), depth-1))
		}
	case reflect.Map:
		for range n - 1 {
			key := random(rng, t.Key(), 0)
			if key.Kind() == reflect.Interface {
				key = reflect.ValueOf(n)
			}
			if present := v.MapIndex(key); merge.Found(key) || v.Len() == 0 && !present.IsValid() { // one NaN at most
				v.SetMapIndex(key, random(rng, t.Elem(), depth-1))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				v.Field(i).Set(random(rng, v.Field(i).Type(), depth-1))
			}
		}
	}
	return v
}

// edited changes some of a struct's fields, and returns it.
func edited(v reflect.Value, rng *rand.Rand) reflect.Value {
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case !f.CanSet() || rng.IntN(3) == 0:
		case f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[time.Time]() && rng.IntN(2) == 0:
			edited(f, rng)
		case f.Kind() == reflect.Map && !f.IsNil() && rng.IntN(2) == 0:
			for k, e := range random(rng, f.Type(), 3).Seq2() {
				if merge.Found(k) {
					f.SetMapIndex(k, e)
				}
			}
		default:
			f.Set(random(rng, f.Type(), 3))
		}
	}
	return v
}

// TestSumIsExact compares sums with what one request after the other would have
// counted.
func TestSumIsExact(t *testing.T) {
	type numbers struct {
		I   int     `sesame:"sum"`
		I8  int8    `sesame:"sum"`
		I64 int64   `sesame:"sum"`
		U8  uint8   `sesame:"sum"`
		U64 uint64  `sesame:"sum"`
		F   float64 `sesame:"sum"`
	}
	rng := rand.New(rand.NewPCG(5, 6))
	some := func() numbers {
		return numbers{int(rng.Uint64()), int8(rng.Uint32()), int64(rng.Uint64()), uint8(rng.Uint32()), rng.Uint64(), float64(rng.Int64N(1 << 50))}
	}
	less := func(base, mine, theirs uint64, total uint64) uint64 {
		if mine < base && theirs < base-mine {
			return 0
		}
		return total
	}
	for range 5_000 {
		base, mine, theirs := some(), some(), some()
		b, m, o := base, mine, theirs
		require.Empty(t, merge.Structs(&b, &m, &o))
		require.Equal(t, numbers{
			I: theirs.I + mine.I - base.I, I8: theirs.I8 + mine.I8 - base.I8, I64: theirs.I64 + mine.I64 - base.I64,
			U8:  uint8(less(uint64(base.U8), uint64(mine.U8), uint64(theirs.U8), uint64(theirs.U8+mine.U8-base.U8))),
			U64: less(base.U64, mine.U64, theirs.U64, theirs.U64+mine.U64-base.U64),
			F:   theirs.F + mine.F - base.F,
		}, m)
	}
}

// TestItemsAreAMultiset compares the numbers of each item with those of each
// change, and their order with that of theirs and mine.
func TestItemsAreAMultiset(t *testing.T) {
	type list struct {
		L []int `sesame:"items"`
	}
	rng := rand.New(rand.NewPCG(7, 8))
	some := func() list {
		l := make([]int, rng.IntN(8))
		for i := range l {
			l[i] = rng.IntN(4)
		}
		return list{l}
	}
	count := func(l list, item int) (n int) {
		for _, i := range l.L {
			if i == item {
				n++
			}
		}
		return n
	}
	within := func(part, whole []int) bool {
		for _, i := range whole {
			if len(part) > 0 && part[0] == i {
				part = part[1:]
			}
		}
		return len(part) == 0
	}
	for range 5_000 {
		base, mine, theirs := some(), some(), some()
		b, m, o := base, list{slices.Clone(mine.L)}, theirs
		require.Empty(t, merge.Structs(&b, &m, &o))
		added := 0
		if slices.Equal(base.L, mine.L) || slices.Equal(base.L, theirs.L) {
			continue // nothing for the tag to settle
		}
		for item := range 4 {
			more := count(mine, item) - count(base, item)
			require.Equal(t, max(0, count(theirs, item)+min(0, more))+max(0, more), count(m, item), "%v %v %v: %v", base, mine, theirs, m)
			added += max(0, more)
		}
		kept := len(m.L) - added
		require.True(t, within(m.L[:kept], theirs.L), "%v %v %v: %v", base, mine, theirs, m)
		require.True(t, within(m.L[kept:], mine.L), "%v %v %v: %v", base, mine, theirs, m)
	}
}

// TestChangesInDifferentPlaces finds all of them there, in whatever order.
func TestChangesInDifferentPlaces(t *testing.T) {
	edits := []func(*session){
		func(s *session) { s.User += "x" },
		func(s *session) { s.Home.City += "x" },
		func(s *session) { s.Home.Street += "x" },
		func(s *session) { s.Work.City += "x" },
		func(s *session) { s.Cart["tea"]++ },
		func(s *session) { delete(s.Cart, "milk") },
		func(s *session) { s.Nested["n"]["two"] = 2 },
		func(s *session) { s.Nested["m"] = map[string]int{"one": 1} },
		func(s *session) { s.Bag["new"] = true },
		func(s *session) { s.History = append(s.History, "x") },
		func(s *session) { s.Theme = "dark" },
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		order := rng.Perm(len(edits))
		cut := rng.IntN(len(edits) + 1)
		mine, theirs, all := start(), start(), start()
		for i, e := range order {
			edits[e](all)
			if i < cut {
				edits[e](mine)
			} else {
				edits[e](theirs)
			}
		}
		require.Empty(t, merge.Structs(start(), mine, theirs), "%v %d", order, cut)
		require.Equal(t, all, mine, "%v %d", order, cut)
	}
	require.True(t, slices.IsSorted(merge.Structs(&session{}, &session{User: "a", Extra: 1}, &session{User: "b", Extra: 2})))
}
