package sesame_test

import (
	"context"
	"encoding/gob"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/codec/gobcodec"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

var codecs = map[string]codec.Codec{"codec=msgpack": codec.MsgPack, "codec=json": codec.JSON, "codec=gob": gobcodec.Gob}

func init() {
	// What gob is to carry in an interface it must be told of.
	gob.Register(map[string]any{})
	gob.Register([]any{})
}

type colour string

// point is a map's key with a text form, which JSON needs.
type point struct{ X, Y int }

func (p point) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d/%d", p.X, p.Y), nil }

func (p *point) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(string(text), "%d/%d", &p.X, &p.Y)
	return err
}

// yesno is a bool with a text form.
type yesno bool

func (b yesno) MarshalText() ([]byte, error) { return strconv.AppendBool(nil, bool(b)), nil }

func (b *yesno) UnmarshalText(text []byte) error {
	v, err := strconv.ParseBool(string(text))
	*b = yesno(v)
	return err
}

type account struct {
	ID    int64
	Tags  []string
	Quota map[string]int
}

type Base struct {
	Theme string
	Prefs map[string]bool
}

// kinds has a field of every kind that a codec can carry.
type kinds struct {
	Base
	Bool     bool
	Int      int
	Int8     int8
	Uint64   uint64
	Float    float64
	String   string
	Bytes    []byte
	Array    [3]int
	Strings  []string
	Nil      []int
	Empty    []int
	Counts   map[string]int
	ByInt    map[int]string
	ByBool   map[yesno]int
	ByPoint  map[point]int
	ByColour map[colour][]int
	Maps     map[string]map[string]int
	Set      map[string]struct{}
	Structs  map[string]account
	Pointer  *account
	NoOne    *account
	Any      any
	Bag      map[string]any
	Number   any
	At       time.Time
	Addr     netip.Addr
	Home     account
	Accounts []account
}

func newKinds() kinds {
	many := make(map[string]int)
	for i := range 20 {
		many[fmt.Sprint("key", i)] = i
	}
	berlin := time.FixedZone("Berlin", 2*60*60)
	return kinds{
		Base: Base{"dark", map[string]bool{"a": true, "b": false, "c": true}},
		Bool: true, Int: -42, Int8: -8, Uint64: 1 << 60, Float: 1.5, String: "größe\x00", Bytes: []byte{0, 255, 1},
		Array: [3]int{1, 2, 3}, Strings: []string{"x", "", "y"}, Empty: []int{},
		Counts: many, ByInt: map[int]string{1: "one", -2: "two", 300: "three"}, ByBool: map[yesno]int{true: 1, false: 2},
		ByPoint:  map[point]int{{1, 2}: 3, {2, 1}: 4, {0, 0}: 5},
		ByColour: map[colour][]int{"red": {1}, "green": {}, "blue": {2, 3}},
		Maps:     map[string]map[string]int{"a": {"x": 1, "y": 2}, "b": {}, "c": {"z": 3}},
		Set:      map[string]struct{}{"p": {}, "q": {}, "r": {}},
		Structs:  map[string]account{"one": {ID: 1, Quota: map[string]int{"a": 1, "b": 2}}, "two": {ID: 2}},
		Pointer:  &account{ID: 3, Tags: []string{"t"}, Quota: map[string]int{"c": 3, "d": 4}},
		Any:      map[string]any{"n": "v", "list": []any{"a", true}, "m": map[string]any{"k": "w", "l": "x"}},
		Bag:      map[string]any{"one": "1", "two": true, "three": 2.5, "four": nil},
		Number:   7, At: time.Date(2026, 8, 1, 12, 0, 0, 123456789, berlin), Addr: netip.MustParseAddr("192.0.2.1"),
		Home: account{ID: 9, Tags: []string{"u"}}, Accounts: []account{{ID: 1}, {ID: 2, Tags: []string{"v"}}},
	}
}

// shop drives a manager whose store counts its writes.
type shop[T any] struct {
	m     *sesame.Manager[T]
	store *writes
	token string
}

type writes struct {
	store.Store
	n int
}

func (w *writes) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	w.n++
	return w.Store.Save(ctx, k, r)
}

func newShop[T any](t testing.TB, c codec.Codec, over store.Store, start *T) *shop[T] {
	s := &shop[T]{store: &writes{Store: over}}
	s.m = sesame.New[T](sesame.WithCodec(c), sesame.WithStore(s.store))
	if start != nil {
		s.visit(t, func(v *T) { *v = *start })
		require.Equal(t, 1, s.store.n, "a new session is stored")
	}
	return s
}

// visit sends a request and returns how many writes it made.
func (s *shop[T]) visit(t testing.TB, do func(*T)) int {
	before := s.store.n
	r := httptest.NewRequest("GET", "https://example.com/", nil)
	if s.token != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-Http-session_id", Value: s.token})
	}
	w := httptest.NewRecorder()
	s.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { do(s.m.Get(r.Context())) })).ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code)
	for _, c := range w.Result().Cookies() {
		s.token = c.Value
	}
	return s.store.n - before
}

func (s *shop[T]) peek(t testing.TB) (v T) {
	require.Zero(t, s.visit(t, func(p *T) { v = *p }), "a read became a write")
	return v
}

func TestUnchangedIsNotWritten(t *testing.T) {
	for name, c := range codecs {
		t.Run(name, func(t *testing.T) {
			start := newKinds()
			s := newShop(t, c, memstore.New(), &start)
			for range 1000 {
				require.Zero(t, s.visit(t, func(k *kinds) {
					_ = len(k.Counts)
					k.Strings = slices.Clone(k.Strings) // another slice, the same session
				}))
			}
		})
	}
}

// changes are one for each kind of field, most of them in place.
var changes = map[string]func(*kinds){
	"bool":               func(k *kinds) { k.Bool = !k.Bool },
	"int":                func(k *kinds) { k.Int++ },
	"int8":               func(k *kinds) { k.Int8++ },
	"uint64":             func(k *kinds) { k.Uint64++ },
	"float":              func(k *kinds) { k.Float = math.Nextafter(k.Float, 2) },
	"string":             func(k *kinds) { k.String += "!" },
	"byte in place":      func(k *kinds) { k.Bytes[1] = 7 },
	"array element":      func(k *kinds) { k.Array[1] = 7 },
	"slice element":      func(k *kinds) { k.Strings[1] = "z" },
	"slice appended":     func(k *kinds) { k.Nil = append(k.Nil, 1) },
	"empty slice filled": func(k *kinds) { k.Empty = append(k.Empty, 0) },
	"map value":          func(k *kinds) { k.Counts["key7"]++ },
	"map key added":      func(k *kinds) { k.Counts["new"] = 0 },
	"map key removed":    func(k *kinds) { delete(k.Counts, "key0") },
	"map by int":         func(k *kinds) { k.ByInt[-2] = "zwei" },
	"map by bool":        func(k *kinds) { k.ByBool[false]++ },
	"map by struct":      func(k *kinds) { k.ByPoint[point{2, 1}]++ },
	"map by named":       func(k *kinds) { k.ByColour["blue"][1] = 9 },
	"map of maps":        func(k *kinds) { k.Maps["c"]["z"]++ },
	"set":                func(k *kinds) { k.Set["s"] = struct{}{} },
	"struct in a map":    func(k *kinds) { k.Structs["one"].Quota["a"]++ },
	"behind a pointer":   func(k *kinds) { k.Pointer.Quota["c"]++ },
	"pointer set":        func(k *kinds) { k.NoOne = &account{ID: 5} },
	"pointer cleared":    func(k *kinds) { k.Pointer = nil },
	"deep in an any":     func(k *kinds) { k.Any.(map[string]any)["m"].(map[string]any)["k"] = "changed" },
	"map of any":         func(k *kinds) { k.Bag["two"] = false },
	"any of another kind": func(k *kinds) {
		k.Number = "seven"
	},
	"time":            func(k *kinds) { k.At = k.At.Add(time.Nanosecond) },
	"own marshaler":   func(k *kinds) { k.Addr = netip.AddrFrom4(k.Addr.As4()).Next() },
	"embedded":        func(k *kinds) { k.Theme = "light" },
	"embedded map":    func(k *kinds) { k.Prefs["b"] = true },
	"nested struct":   func(k *kinds) { k.Home.Tags[0] = "w" },
	"slice of struct": func(k *kinds) { k.Accounts[1].ID++ },
	"all of it":       func(k *kinds) { *k = kinds{} },
}

func TestChangeIsWritten(t *testing.T) {
	for name, c := range codecs {
		for what, change := range changes {
			t.Run(name+"/"+what, func(t *testing.T) {
				start := newKinds()
				s := newShop(t, c, memstore.New(), &start)
				want := s.peek(t)
				require.Equal(t, 1, s.visit(t, change), "the change was missed")
				change(&want)
				got := s.peek(t)
				require.Equal(t, normal(t, c, &want), normal(t, c, &got))
			})
		}
	}
}

func TestChangeUndoneIsNotWritten(t *testing.T) {
	for name, c := range codecs {
		t.Run(name, func(t *testing.T) {
			start := newKinds()
			s := newShop(t, c, memstore.New(), &start)
			require.Zero(t, s.visit(t, func(k *kinds) {
				k.Int++
				k.Counts["new"] = 1
				k.Pointer.ID++
				k.Int--
				delete(k.Counts, "new")
				k.Pointer.ID--
			}))
		})
	}
}

// A T of tomorrow reads what the T of today has stored, and does not rewrite
// all sessions of the site for a new field.
func TestOlderRecordIsNotRewritten(t *testing.T) {
	type yesterday struct {
		User string
		Cart map[string]int
	}
	type today struct {
		User  string
		Added map[string]int
		Cart  map[string]int
		Flag  bool
		Inner struct{ N int }
	}
	for name, c := range codecs {
		t.Run(name, func(t *testing.T) {
			engine := memstore.New()
			old := newShop(t, c, engine, &yesterday{"ann", map[string]int{"tea": 1, "milk": 2}})
			s := newShop[today](t, c, engine, nil)
			s.token = old.token
			for range 10 {
				require.Equal(t, today{User: "ann", Cart: map[string]int{"tea": 1, "milk": 2}}, s.peek(t))
			}
			require.Equal(t, 1, s.visit(t, func(v *today) { v.Flag = true }))
			require.True(t, s.peek(t).Flag)
			require.Equal(t, "ann", old.peek(t).User, "and back: a process of yesterday still runs")
		})
	}
}

// What does not come back byte for byte, or not equal to itself, is no change.
func TestUnstableValuesAreNotRewritten(t *testing.T) {
	type odd struct {
		Numbers    []any
		Not        float64
		Zero       float64
		At         time.Time
		Typed      any
		NilMap     map[string]int
		EmptyMap   map[string]int
		unexported int
	}
	odds := func() *odd {
		return &odd{
			Numbers: []any{1, int8(2), uint16(3), 1 << 30, 1.5, float32(2.5)}, Zero: math.Copysign(0, -1),
			At: time.Now(), EmptyMap: map[string]int{}, Typed: uint8(3), unexported: 1,
		}
	}
	for name, c := range codecs {
		t.Run(name, func(t *testing.T) {
			start := odds()
			if c != codec.JSON {
				start.Not = math.NaN()
			}
			s := newShop(t, c, memstore.New(), start)
			for range 10 {
				require.Zero(t, s.visit(t, func(o *odd) {
					o.unexported++ // not part of the session
				}))
			}
		})
	}
}

// Any sequence of random changes, or none, is written if and only if a deep
// comparison of what comes out of the codec says so.
func FuzzChange(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed, uint8(seed))
	}
	names := slices.Sorted(maps.Keys(changes))
	f.Fuzz(func(t *testing.T, seed uint64, n uint8) {
		rng := rand.New(rand.NewPCG(seed, uint64(n)))
		for _, name := range slices.Sorted(maps.Keys(codecs)) {
			c, start := codecs[name], newKinds()
			for range rng.IntN(4) {
				apply(&start, changes[names[rng.IntN(len(names))]])
			}
			start.Int8 = -8 // a session that is empty is not stored
			s := newShop(t, c, memstore.New(), &start)
			before, after := s.peek(t), s.peek(t)
			var plan []func(*kinds)
			for range int(n) % 4 {
				change := changes[names[rng.IntN(len(names))]]
				plan = append(plan, change)
				apply(&after, change)
			}
			want := 0
			if !reflect.DeepEqual(normal(t, c, &before), normal(t, c, &after)) {
				want = 1
			}
			got := s.visit(t, func(k *kinds) {
				for _, change := range plan {
					apply(k, change)
				}
			})
			require.Equal(t, want, got, name)
			stored := s.peek(t)
			require.Equal(t, normal(t, c, &after), normal(t, c, &stored), name)
		}
	})
}

// apply makes a change if there is still something to change.
func apply(k *kinds, change func(*kinds)) {
	defer func() { _ = recover() }()
	change(k)
}

func encoded(t testing.TB, c codec.Codec, k *kinds) string {
	data, err := c.Append(nil, k)
	require.NoError(t, err)
	return string(data)
}

// normal returns k as the codec gives it back.
func normal(t testing.TB, c codec.Codec, k *kinds) *kinds {
	v := new(kinds)
	require.NoError(t, c.Decode([]byte(encoded(t, c, k)), v))
	return v
}
