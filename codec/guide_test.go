package codec_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame/codec"
)

// The types below have maps of every kind that is written in a way of its own,
// and in every place where a guide has to find them.

type role string

type grant struct {
	Note  string
	Roles map[role]bool
	Seats map[int]string `msgpack:",omitempty"`
}

type guided struct {
	Before  string
	Counts  map[string]int
	Flags   map[role]bool
	Rates   map[string]float64
	Texts   map[string]string
	Lists   map[string][]string
	Times   map[string]time.Time
	Inner   map[string]map[string]int
	Grants  map[string]*grant
	Struct  map[string]grant
	Own     map[string]ptrText
	Any     map[string]any
	ByInt   map[int]string
	ByUint  map[uint64]map[int64]bool
	BySmall map[int8]int
	ByRate  map[float64]int
	ByAny   map[any]int
	Opt     map[string]int `msgpack:",omitempty"`
	Slice   []map[string]int
	Array   [2]map[int64]any
	Pointer *map[string]uint8
	Anys    []any
	Loose   any
	Tuple   guidedTuple
	Nested  grant
	grant
	Next *guided
}

type guidedTuple struct {
	_msgpack struct{} `msgpack:",as_array"`
	A        string
	M        map[string]int
}

// maker makes random values of which many are alike.
type maker struct{ *rand.Rand }

func (r maker) text() string { return fmt.Sprintf("%0*d", r.IntN(40), r.IntN(60)) }

func (r maker) flag() bool { return r.IntN(2) == 0 }

func (r maker) int() int {
	return []int{r.IntN(300) - 150, r.IntN(70000) - 35000, int(r.Uint64())}[r.IntN(3)]
}

func mapOf[K comparable, V any](r maker, key func() K, elem func() V) map[K]V {
	switch r.IntN(6) {
	case 0:
		return nil
	case 1:
		return map[K]V{}
	}
	m := map[K]V{}
	n := r.IntN(5)
	if r.IntN(3) == 0 {
		n = r.IntN(30)
	}
	for range n {
		m[key()] = elem()
	}
	return m
}

func (r maker) any(depth int) any {
	switch r.IntN(13 - min(depth, 4)) {
	case 0:
		return r.text()
	case 1:
		return r.int()
	case 2:
		return r.flag()
	case 3:
		return r.Float64()
	case 4:
		return nil
	case 5:
		return int64(r.int())
	case 6:
		return uint8(r.IntN(256))
	case 7:
		return time.Unix(int64(r.IntN(1<<20)), 0)
	case 8:
		return role(r.text())
	case 9:
		return mapOf(r, r.int, func() any { return r.any(depth + 1) })
	case 10:
		return []any{r.any(depth + 1), r.any(depth + 1)}
	case 11:
		return r.grant()
	default:
		return mapOf(r, r.text, func() any { return r.any(depth + 1) })
	}
}

func (r maker) grant() grant {
	return grant{r.text(), mapOf(r, r.role, r.flag), mapOf(r, r.int, r.text)}
}

func (r maker) role() role { return role(r.text()) }

func (r maker) guided(depth int) *guided {
	if depth > 1 || depth > 0 && r.flag() {
		return nil
	}
	counts := func() map[string]int { return mapOf(r, r.text, r.int) }
	small := mapOf(r, r.text, func() uint8 { return uint8(r.Uint32()) })
	g := &guided{
		Before: r.text(), Counts: counts(), Flags: mapOf(r, r.role, r.flag), Rates: mapOf(r, r.text, r.Float64), Texts: mapOf(r, r.text, r.text),
		Lists: mapOf(r, r.text, func() []string { return []string{r.text()} }), Times: mapOf(r, r.text, func() time.Time { return time.Unix(int64(r.Uint32()), 0) }),
		Inner: mapOf(r, r.text, counts), Grants: mapOf(r, r.text, func() *grant { g := r.grant(); return &g }), Struct: mapOf(r, r.text, r.grant),
		Own: mapOf(r, r.text, func() ptrText { return ptrText{r.text()} }), Any: mapOf(r, r.text, func() any { return r.any(0) }), ByInt: mapOf(r, r.int, r.text),
		ByUint:  mapOf(r, r.Uint64, func() map[int64]bool { return mapOf(r, r.Int64, r.flag) }),
		BySmall: mapOf(r, func() int8 { return int8(r.int()) }, r.int), ByRate: mapOf(r, r.Float64, r.int),
		ByAny: mapOf(r, func() any { return []any{r.int(), r.text(), 1.5, false}[r.IntN(4)] }, r.int), Opt: counts(), Pointer: &small,
		Loose: r.any(0), Tuple: guidedTuple{A: r.text(), M: counts()}, Nested: r.grant(), grant: r.grant(), Next: r.guided(depth + 1),
	}
	g.Array = [2]map[int64]any{mapOf(r, r.Int64, func() any { return r.any(0) }), nil}
	for range r.IntN(4) {
		g.Slice, g.Anys = append(g.Slice, counts()), append(g.Anys, r.any(0))
	}
	return g
}

// change makes small changes, as a request does.
func (r maker) change(g *guided) {
	for range 1 + r.IntN(3) {
		switch r.IntN(9) {
		case 0:
			g.Before += "x"
		case 1:
			for k := range g.Counts {
				delete(g.Counts, k)
				break
			}
		case 2:
			for k := range g.ByInt {
				g.ByInt[k] += "longer"
				break
			}
		case 3:
			if g.Inner != nil {
				g.Inner[r.text()] = map[string]int{"a": 1}
			}
		case 4:
			for _, grant := range g.Grants {
				grant.Roles = map[role]bool{"new": true}
				break
			}
		case 5:
			if m, ok := g.Loose.(map[string]any); ok {
				m[r.text()] = r.any(0)
			}
		case 6:
			g.Slice = append([]map[string]int{{"first": 1}}, g.Slice...)
		case 7:
			g.Opt = nil
		case 8:
			if g.ByUint != nil {
				g.ByUint[r.Uint64()] = nil
			}
		}
	}
}

// damage changes some bytes, and truncates at times.
func (r maker) damage(data []byte) []byte {
	data = bytes.Clone(data)
	for range r.IntN(6) {
		data[r.IntN(len(data))] = byte(r.Uint32())
	}
	if r.flag() {
		data = data[:r.IntN(len(data))]
	}
	return data
}

// checkLike encodes v without and with a hint.
func checkLike(t *testing.T, v any, like []byte) {
	t.Helper()
	kept := bytes.Clone(like)
	want, wantErr := codec.MsgPack.Append([]byte("head"), v)
	got, err := codec.MsgPack.(codec.LikeAppender).AppendLike([]byte("head"), v, like)
	if fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Fatalf("error %v instead of %v", err, wantErr)
	}
	if err == nil && !bytes.Equal(want, got) {
		t.Fatalf("with %q it writes\n%q instead of\n%q", like, got, want)
	}
	if !bytes.Equal(kept, like) {
		t.Fatal("the hint was written to")
	}
}

// TestGuide: whatever the hint says, what is written is the same.
func TestGuide(t *testing.T) {
	r := maker{rand.New(rand.NewPCG(1, 2))}
	other := encoded(t, &mediumSession)
	var before []byte
	for i := range guidePairs {
		v := r.guided(0)
		data := encoded(t, v)
		changed := new(guided)
		require.NoError(t, codec.MsgPack.Decode(data, changed))
		switch i % 6 {
		case 0:
			checkLike(t, changed, data)
		case 1:
			r.change(changed)
			checkLike(t, changed, data)
		case 2:
			r.change(changed)
			checkLike(t, changed, r.damage(data))
		case 3:
			checkLike(t, v, before)
		case 4:
			checkLike(t, v, [][]byte{other, {}, []byte("\xc0"), r.damage(other), []byte(`{"Counts":{}}`), data[len(data)/3:]}[r.IntN(6)])
		case 5: // maps in random order
			for g := v; g != nil; g = g.Next {
				g.Own = nil // which msgpack/v5 cannot encode
			}
			random, err := plainV5{}.Append(nil, v)
			require.NoError(t, err)
			checkLike(t, v, random)
		}
		before = data
	}
}

func FuzzMsgPackLike(f *testing.F) {
	r := maker{rand.New(rand.NewPCG(3, 4))}
	for i := range uint64(20) {
		v := maker{rand.New(rand.NewPCG(i, 0))}.guided(0)
		data := encoded(f, v)
		f.Add(i, data)
		f.Add(i, r.damage(data))
	}
	f.Fuzz(func(t *testing.T, seed uint64, like []byte) {
		v := maker{rand.New(rand.NewPCG(seed, 0))}.guided(0)
		checkLike(t, v, like)
		again := new(guided)
		if codec.MsgPack.Decode(like, again) == nil {
			checkLike(t, again, like)
		}
	})
}

// TestGuideIsFollowed: the keys of large maps are taken from the guide, wherever
// the maps are, and not sorted.
func TestGuideIsFollowed(t *testing.T) {
	keys := func() map[string]bool {
		m := map[string]bool{}
		for i := range 50 {
			m[fmt.Sprintf("key-%d", i*7919%1000)] = true
		}
		return m
	}
	type inner struct {
		Name string
		Keys map[string]bool
	}
	type outer struct {
		Name    string
		Few     map[string]map[string]bool
		Many    map[int64]*inner
		Slice   []inner
		Omitted string `msgpack:",omitempty"`
		Any     any
		Last    map[string]bool
	}
	v := &outer{
		Name: "name", Few: map[string]map[string]bool{"a": keys(), "b": keys()}, Many: map[int64]*inner{}, Slice: []inner{{"a", keys()}, {"b", keys()}},
		Any: map[string]any{"keys": keys(), "list": []any{keys(), 1, keys()}}, Last: keys(),
	}
	for i := range int64(20) {
		v.Many[i*7919-10_000] = &inner{Name: "name"}
	}
	v.Many[-10_000].Keys = keys()
	like := encoded(t, v)
	followed := func() int {
		checkLike(t, v, like)
		return codec.GuidedKeys(func() { _, _ = codec.MsgPack.(codec.LikeAppender).AppendLike(nil, v, like) })
	}
	const maps, each, many = 9, 50 - 1, 20 - 1
	require.Equal(t, maps*each+many, followed())

	v.Name, v.Omitted, v.Slice[0].Name, v.Many[-10_000].Name = "a longer name", "not empty", "", "another"
	v.Any.(map[string]any)["first"] = "new"
	delete(v.Few["a"], "key-919")
	require.Equal(t, maps*each+many-1, followed(), "after some changes")
}

// TestManyKeys: large maps are in order, whatever their keys have in common.
func TestManyKeys(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	type many struct{ M map[string]bool }
	for range 3000 {
		v := many{map[string]bool{}}
		prefixes := []string{"", "a", "the same of more than eight bytes ", "\x00\x00", "\xff\xff\xff\xff\xff\xff\xff\xff"}[r.IntN(5):]
		for range 9 + r.IntN(60) {
			key := prefixes[r.IntN(min(len(prefixes), 1+r.IntN(2)))]
			for range r.IntN(12) {
				key += string([]byte{"\x00\x01ab\xff"[r.IntN(5)]})
			}
			v.M[key] = true
		}
		data := encoded(t, &v)
		exact, err := decodeShared(data, new(many))
		require.NoError(t, err)
		require.True(t, exact, "%q", data)
		checkLike(t, &v, data)
	}
}
