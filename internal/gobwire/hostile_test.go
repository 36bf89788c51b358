package gobwire

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/url"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

type large struct {
	Label      string
	A, B, C, D struct{ E, F, G, H, I, J, K, L string }
}

type session struct {
	Name  string
	Tags  []string
	Grid  [2][2]int
	Attr  map[string]map[int]bool
	Any   any
	Anys  map[any]any
	Times []time.Time
	Next  *session
}

func init() {
	gob.Register(large{})
	gob.Register(map[string]any{})
	gob.Register([]any{})
	gob.Register(time.Time{})
	gob.Register(&big.Int{})
}

func sample() *session {
	return &session{
		Name: "ann", Tags: []string{"x", "yz"}, Grid: [2][2]int{{1}, {2, 3}},
		Attr:  map[string]map[int]bool{"a": {1: true, 2: false}, "b": nil},
		Any:   map[string]any{"k": []any{1, nil, large{Label: "l"}, big.NewInt(5)}, "t": time.Unix(1, 0)},
		Anys:  map[any]any{1: "x", "y": 2.5},
		Times: []time.Time{time.Unix(5, 6)},
		Next:  &session{Any: large{}},
	}
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(v); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func canon(t testing.TB, stream []byte) []byte {
	t.Helper()
	c, err := Canon(nil, stream)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// decode decodes data into a value of type typ, and fails if that takes more
// memory than promised.
func decode(t testing.TB, data []byte, typ reflect.Type) (v reflect.Value, err error) {
	t.Helper()
	bound := uint64(16*len(data) + 64<<10)
	if raceEnabled {
		bound *= 2 // the race detector makes allocations larger
	}
	var spent uint64
	// What is made once for each type, and what other goroutines do, does not
	// count.
	for range 3 {
		v = reflect.New(typ).Elem()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err = Decode(data, v)
		runtime.ReadMemStats(&after)
		if spent = after.TotalAlloc - before.TotalAlloc; spent <= bound {
			return v, err
		}
	}
	t.Errorf("decoding %d bytes into %v takes %d bytes, %d are allowed (error: %v)", len(data), typ, spent, bound, err)
	return v, err
}

func TestTruncatedAndFlipped(t *testing.T) {
	typ := reflect.TypeFor[session]()
	for _, data := range [][]byte{encode(t, sample()), canon(t, encode(t, sample()))} {
		if _, err := decode(t, data, typ); err != nil {
			t.Fatal(err)
		}
		for i := range data {
			if _, err := decode(t, data[:i], typ); err == nil {
				t.Errorf("the first %d of %d bytes were decoded", i, len(data))
			}
			for bit := range 8 {
				bad := bytes.Clone(data)
				bad[i] ^= 1 << bit
				decode(t, bad, typ)
			}
		}
		if _, err := decode(t, append(bytes.Clone(data), 0), typ); err == nil {
			t.Error("a trailing byte was accepted")
		}
		if _, err := decode(t, append(bytes.Clone(data), data...), typ); err == nil {
			t.Error("a second value was accepted")
		}
	}
}

func TestRandomBytes(t *testing.T) {
	data := canon(t, encode(t, sample()))
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 10000 {
		bad := bytes.Clone(data)
		for range 1 + rnd.IntN(4) {
			i := rnd.IntN(len(bad))
			switch rnd.IntN(4) {
			case 0:
				bad = append(bad[:i:i], bad[min(i+rnd.IntN(9), len(bad)):]...)
			case 1:
				bad = append(bad[:i:i], append(bytes.Clone(data[rnd.IntN(len(data)):]), bad[i:]...)...)
			default:
				bad[i] = byte(rnd.Uint32())
			}
			if len(bad) == 0 {
				break
			}
		}
		Decode(bad, reflect.New(reflect.TypeFor[session]()).Elem())
	}
}

// TestDense decodes values that take much more room in memory than encoded.
// They may be refused, but must not take more than allowed.
func TestDense(t *testing.T) {
	zone := time.FixedZone("", 1234)
	makers := map[string]func(n int) any{
		"empty strings":  func(n int) any { return &struct{ S []string }{make([]string, n)} },
		"large structs":  func(n int) any { return &struct{ S []large }{make([]large, n)} },
		"nil interfaces": func(n int) any { return &struct{ S []any }{make([]any, n)} },
		"one-letter strings": func(n int) any {
			return &struct{ S []string }{repeat(n, func(int) string { return "a" })}
		},
		"strings in interfaces": func(n int) any { return &struct{ S []any }{repeat(n, func(int) any { return "ab" })} },
		"large in interfaces":   func(n int) any { return &struct{ S []any }{repeat(n, func(int) any { return large{} })} },
		"maps in interfaces": func(n int) any {
			return &struct{ S []any }{repeat(n, func(int) any { return map[string]any{"": nil} })}
		},
		"short slices":   func(n int) any { return &struct{ S [][]int }{repeat(n, func(int) []int { return []int{1} })} },
		"short strings":  func(n int) any { return &struct{ S [][]byte }{repeat(n, func(int) []byte { return []byte{1} })} },
		"arrays":         func(n int) any { return &struct{ S [][3]string }{make([][3]string, n)} },
		"pointers":       func(n int) any { return &struct{ S []*int }{repeat(n, func(i int) *int { return &i })} },
		"large pointers": func(n int) any { return &struct{ S []*large }{repeat(n, func(int) *large { return new(large) })} },
		"empty maps": func(n int) any {
			return &struct{ S []map[string]string }{repeat(n, func(int) map[string]string { return nil })}
		},
		"small maps": func(n int) any {
			return &struct{ S []map[string]bool }{repeat(n, func(int) map[string]bool { return map[string]bool{"": true} })}
		},
		"nine entries": func(n int) any {
			return &struct{ S []map[int]int }{repeat(n, func(int) map[int]int {
				return map[int]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8, 9: 9}
			})}
		},
		"small keys": func(n int) any {
			return &struct{ M map[int]bool }{mapOf(n, func(i int) (int, bool) { return i, true })}
		},
		"empty elems": func(n int) any {
			return &struct{ M map[uint32]struct{} }{mapOf(n, func(i int) (k uint32, e struct{}) { return uint32(i), e })}
		},
		"string keys": func(n int) any {
			return &struct{ M map[string]int }{mapOf(n, func(i int) (string, int) { return fmt.Sprintf("%x", i), 1 })}
		},
		"large elems": func(n int) any {
			return &struct{ M map[int]large }{mapOf(n, func(i int) (int, large) { return i, large{} })}
		},
		"interface keys": func(n int) any { return &struct{ M map[any]any }{mapOf(n, func(i int) (any, any) { return i, nil })} },
		"times": func(n int) any {
			return &struct{ S []time.Time }{repeat(n, func(int) time.Time { return time.Unix(0, 0).In(zone) })}
		},
		"big numbers": func(n int) any {
			return &struct{ S []*big.Int }{repeat(n, func(int) *big.Int { return big.NewInt(1) })}
		},
		"addresses": func(n int) any {
			return &struct{ S []*url.URL }{repeat(n, func(int) *url.URL { return &url.URL{Path: "/"} })}
		},
	}
	for name, mk := range makers {
		var decoded int
		for _, n := range []int{1, 10, 100, 400, 1000, 1792, 1793, 4000, 12000} {
			v := mk(n)
			if _, err := decode(t, encode(t, v), reflect.TypeOf(v).Elem()); err == nil {
				decoded = n
			}
		}
		if decoded < 10 {
			t.Errorf("%s: only %d", name, decoded)
		}
		t.Logf("%-22s up to %d", name, decoded)
	}
}

func repeat[E any](n int, f func(i int) E) []E {
	s := make([]E, n)
	for i := range s {
		s[i] = f(i)
	}
	return s
}

func mapOf[K comparable, E any](n int, f func(i int) (K, E)) map[K]E {
	m := make(map[K]E)
	for i := range n {
		k, e := f(i)
		m[k] = e
	}
	return m
}

// TestCrafted decodes streams that no encoder writes.
func TestCrafted(t *testing.T) {
	type target struct {
		S []large
		M map[string]int
		A [2]string
		B []byte
		T string
		I any
		K map[any]int
	}
	message := func(parts ...[]byte) []byte { return appendLen(bytes.Join(parts, nil), 0) }
	// The definitions of target's types, as a stream to go on from.
	c := canon(t, encode(t, &target{}))
	defs, r := 0, newReader(c, 0)
	for r.message(); r.int() < 0; r.message() {
		defs = len(c) - len(r.rest)
	}
	value := func(b ...byte) []byte { return append(bytes.Clone(c[:defs]), message(appendInt(nil, firstID), b)...) }
	huge := []byte{0xf8, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	name := appendBytes(nil, []byte("gobwire.nobody"))
	ints := appendBytes(nil, []byte("[]int"))
	streams := map[string][]byte{
		"slice length":   value(append([]byte{1}, huge...)...),
		"map length":     value(append([]byte{2}, huge...)...),
		"array length":   value(append([]byte{3}, huge...)...),
		"bytes length":   value(append([]byte{4}, huge...)...),
		"string length":  value(append([]byte{5}, huge...)...),
		"name length":    value(append([]byte{6}, huge...)...),
		"field":          value(append([]byte{}, huge...)...),
		"field of many":  value(8, 0, 0),
		"integer":        value(2, 1, 0, 0xf0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0),
		"message length": append(bytes.Clone(c[:defs]), huge...),
		"unregistered":   value(bytes.Join([][]byte{{6}, name, {4, 2, 0, 2, 0}}, nil)...),
		"undefined":      value(bytes.Join([][]byte{{6}, name, {0xfe, 1, 0, 2, 0, 2, 0}}, nil)...),
		"unhashable key": append(append(bytes.Clone(c[:defs]), message([]byte{0xff, 0x9f, 2, 2, 4, 0, 0})...),
			message(appendInt(nil, firstID), []byte{7, 1}, ints, []byte{0xff, 0xa0, 3, 0, 1, 2, 2, 0})...),
		"no type":        {1, 0},
		"negative array": append(message([]byte{0xff, 0x81, 1, 2, 4, 1, 1, 0, 0}), message([]byte{0xff, 0x82, 0, 0})...),
		"defined twice":  append(message([]byte{0xff, 0x81, 2, 2, 4, 0, 0}), message([]byte{0xff, 0x81, 2, 2, 4, 0, 0})...),
		"predefined":     message([]byte{3, 2, 2, 4, 0, 0}),
		"two kinds":      message([]byte{0xff, 0x81, 2, 2, 4, 0, 1, 0, 0}),
		"many fields":    message(append([]byte{0xff, 0x81, 3, 2}, huge...)),
		"array of self": append(message([]byte{0xff, 0x81, 1, 2, 0xff, 0x82, 1, 2, 0, 0}),
			message([]byte{0xff, 0x82, 0}, bytes.Repeat([]byte{1}, 4*maxDepth))...),
	}
	for what, data := range streams {
		if _, err := decode(t, data, reflect.TypeFor[target]()); err == nil {
			t.Errorf("%s: no error", what)
		} else if what == "unhashable key" && !strings.Contains(err.Error(), "compared") {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := decode(t, data, reflect.TypeFor[struct{ Other any }]()); err == nil && what != "unregistered" && what != "unhashable key" {
			t.Errorf("%s, skipped: no error", what)
		}
	}

	// Thousands of definitions that lead to one another, and to nothing.
	var defined []byte
	for i := range 3000 {
		body := appendInt(append(appendInt(nil, -int64(firstID+i)), 4, 2), firstID+int64(i)+1)
		body = append(appendInt(append(body, 1), firstID+int64(i)+1), 0, 0)
		defined = append(defined, message(body)...)
	}
	defined = append(defined, message(appendInt(nil, firstID), []byte{0, 0})...)
	if _, err := decode(t, defined, reflect.TypeFor[target]()); err == nil {
		t.Error("a map was decoded into a struct")
	}
}

type deep struct{ Next *deep }

func TestDepth(t *testing.T) {
	for n, ok := range map[int]bool{maxDepth / 2: true, 3 * maxDepth: false} {
		list := &deep{}
		for range n {
			list = &deep{list}
		}
		data := encode(t, list)
		if _, err := decode(t, data, reflect.TypeFor[deep]()); (err == nil) != ok {
			t.Errorf("%d levels: %v", n, err)
		}
		if _, err := Canon(nil, data); (err == nil) != ok {
			t.Errorf("Canon, %d levels: %v", n, err)
		}
		if err := Check(reflect.ValueOf(list)); n > maxDepth && err == nil {
			t.Errorf("Check, %d levels: %v", n, err)
		}
	}
}

type twins[E any] struct{ A, B *E }

// TestManyWays has a type to whose end there are many ways. To try each takes
// for ever.
func TestManyWays(t *testing.T) {
	type (
		t4  = twins[twins[twins[twins[int]]]]
		t16 = twins[twins[twins[twins[twins[twins[twins[twins[twins[twins[twins[twins[t4]]]]]]]]]]]]
		t28 = twins[twins[twins[twins[twins[twins[twins[twins[twins[twins[twins[twins[t16]]]]]]]]]]]]
		t40 = twins[twins[twins[twins[twins[twins[twins[twins[twins[twins[twins[twins[t28]]]]]]]]]]]]
	)
	if err := Check(reflect.ValueOf(t40{})); err != nil {
		t.Error(err)
	}
}
