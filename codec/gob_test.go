package codec_test

import (
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sesame-go/sesame/codec"
)

type gobRole string

type gobPoint struct{ X, Y int }

type gobTree struct {
	Name string
	Kids []*gobTree
	By   map[string]gobTree
}

type gobBase struct{ Created int64 }

type GobEmbedded struct{ Shop string }

type gobLarge struct {
	Label string
	Pad   [512]uint64
}

// gobSession has a field of every kind that gob can carry.
type gobSession struct {
	GobEmbedded
	Bool    bool
	I       int
	I8      int8
	I16     int16
	I32     int32
	I64     int64
	U       uint
	U8      uint8
	U16     uint16
	U32     uint32
	U64     uint64
	Ptr     uintptr
	F32     float32
	F64     float64
	C64     complex64
	C128    complex128
	S       string
	Role    gobRole
	Bytes   []byte
	Sum     [4]byte
	Grid    [2][3]int
	Names   []string
	Points  []gobPoint
	PP      **gobPoint
	Ints    map[string]int
	Set     map[gobRole]struct{}
	ByInt   map[int8][]string
	ByPoint map[gobPoint]*gobPoint
	ByAny   map[any]any
	Nested  map[string]map[uint16]map[bool]string
	Floats  map[float64]bool
	Any     any
	Anys    []any
	Prefs   map[string]any
	Time    time.Time
	Num     *big.Int
	URL     *url.URL
	Tree    gobTree
	Skipped int `gob:"-"`
	hidden  int
}

func init() {
	gob.Register(gobPoint{})
	gob.Register(&gobTree{})
	gob.Register(map[string]any{})
	gob.Register(map[string]int{})
	gob.Register([]any{})
	gob.Register([2]gobPoint{})
	gob.Register(time.Time{})
	gob.Register(gobRole(""))
	gob.Register(gobLarge{})
}

func newGobSession() *gobSession {
	p := &gobPoint{1, -1}
	u, _ := url.Parse("https://example.org/a?b=c")
	s := &gobSession{
		GobEmbedded: GobEmbedded{"north"}, Bool: true, I: -1, I8: math.MinInt8, I16: math.MaxInt16, I32: 7, I64: math.MinInt64,
		U: 1, U8: 255, U16: 256, U32: math.MaxUint32, U64: math.MaxUint64, Ptr: 9, F32: 1.5, F64: math.Inf(-1), C64: 1 - 2i, C128: 1e300i,
		S: "héllo\x00", Role: "admin", Bytes: []byte{0, 255}, Sum: [4]byte{1, 2, 200, 0}, Grid: [2][3]int{{1}, {0, 2}},
		Names: []string{"", "x"}, Points: []gobPoint{{}, {3, 4}}, PP: &p,
		Ints: map[string]int{}, Set: map[gobRole]struct{}{}, ByInt: map[int8][]string{}, ByPoint: map[gobPoint]*gobPoint{},
		ByAny: map[any]any{}, Nested: map[string]map[uint16]map[bool]string{}, Floats: map[float64]bool{}, Prefs: map[string]any{},
		Any:  map[string]any{"b": 1, "a": []any{nil, gobPoint{5, 6}, "s"}, "c": map[string]int{"y": 1, "x": 2}},
		Anys: []any{1, uint8(2), "three", 4.5, true, nil, []string{"a"}, gobPoint{1, 2}, &gobTree{Name: "t", By: map[string]gobTree{"k": {}}}, [2]gobPoint{{1, 2}}, gobRole("r")},
		Time: time.Date(2026, 3, 4, 5, 6, 7, 8, time.FixedZone("", 3600)), Num: big.NewInt(1 << 40), URL: u,
		Tree: gobTree{Name: "root", Kids: []*gobTree{{Name: "a", By: map[string]gobTree{"p": {}, "q": {Name: "r"}}}}},
	}
	for _, i := range rand.Perm(30) {
		k := fmt.Sprint(i)
		s.Ints[k] = i
		s.Set[gobRole(k)] = struct{}{}
		s.ByInt[int8(-i)] = []string{k}
		s.ByPoint[gobPoint{i, -i}] = &gobPoint{i, i}
		s.ByAny[i], s.ByAny[k], s.ByAny[gobPoint{i, i}] = k, i, time.Unix(int64(i), 0).UTC()
		s.Nested[k] = map[uint16]map[bool]string{uint16(i): {true: "t", false: "f"}, 900: nil}
		s.Nested[k][900] = map[bool]string{}
		s.Floats[float64(i)/3] = true
		s.Prefs[k] = map[string]any{"b": i, "a": gobRole(k)}
	}
	return s
}

func gobAppend(t testing.TB, v any) []byte {
	t.Helper()
	data, err := codec.Gob.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestGobIsCanonical(t *testing.T) {
	want := gobAppend(t, newGobSession())
	for range 200 {
		if got := gobAppend(t, newGobSession()); !bytes.Equal(got, want) {
			t.Fatalf("equal sessions, different bytes:\n%x\n%x", want, got)
		}
	}
	// Reading and writing again changes nothing, and Append leaves alone what
	// is in front.
	var s gobSession
	if err := codec.Gob.Decode(want, &s); err != nil {
		t.Fatal(err)
	}
	got, err := codec.Gob.Append([]byte("head"), &s)
	if err != nil || string(got) != "head"+string(want) {
		t.Errorf("after a round trip: %v\n%x\n%x", err, want, got)
	}
}

// TestGobOtherProcess encodes the same session in processes that have met
// other types before, in other places, which gives types other ids and names.
func TestGobOtherProcess(t *testing.T) {
	if way := os.Getenv("GOB_OTHER_PROCESS"); way != "" {
		enc := gob.NewEncoder(new(bytes.Buffer))
		if way == "1" {
			enc.Encode(struct{ A map[string]gobTree }{})
			enc.Encode([][3]int{})
			enc.Encode(map[string]int{})
		} else {
			enc.Encode(map[bool]gobPoint{})
			enc.Encode([]map[string]int{})
			enc.Encode(struct{ T time.Time }{})
		}
		fmt.Printf("<%x>", gobAppend(t, newGobSession()))
		return
	}
	want := hex.EncodeToString(gobAppend(t, newGobSession()))
	for _, way := range []string{"1", "2"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestGobOtherProcess$")
		cmd.Env = append(os.Environ(), "GOB_OTHER_PROCESS="+way)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		_, got, _ := strings.Cut(string(out), "<")
		if got, _, _ = strings.Cut(got, ">"); got != want {
			t.Errorf("process %s: different bytes:\n%s\n%s", way, want, got)
		}
	}
}

// gobNormal takes out of a session what reflect.DeepEqual cannot compare.
func gobNormal(s *gobSession) *gobSession {
	s.Time = s.Time.UTC()
	return s
}

func TestGobAndPlainGob(t *testing.T) {
	want := gobNormal(newGobSession())
	var plain bytes.Buffer
	if err := gob.NewEncoder(&plain).Encode(want); err != nil {
		t.Fatal(err)
	}
	var fromPlain, fromGob, byPlain gobSession
	if err := codec.Gob.Decode(plain.Bytes(), &fromPlain); err != nil {
		t.Fatal("what encoding/gob wrote:", err)
	}
	data := gobAppend(t, want)
	if err := codec.Gob.Decode(data, &fromGob); err != nil {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&byPlain); err != nil {
		t.Fatal("encoding/gob says:", err)
	}
	for name, got := range map[string]*gobSession{"from plain": &fromPlain, "from Gob": &fromGob, "by plain": &byPlain} {
		if !reflect.DeepEqual(gobNormal(got), want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, got, want)
		}
	}
}

func TestGobErrors(t *testing.T) {
	type unregistered struct{ A int }
	type holder struct {
		V any
		P []*int
	}
	loop := &gobTree{Name: "loop"}
	loop.Kids = []*gobTree{loop}
	var round []any
	round = append(round, nil)
	round[0] = round
	for want, v := range map[string]any{
		"type not registered for interface: codec_test.unregistered; call gob.Register": &holder{V: unregistered{}},
		"nil element":            &holder{P: []*int{nil}},
		"inside interface":       &holder{V: (*gobTree)(nil)},
		"takes too much memory":  &struct{ E []struct{ A, B, C, D string } }{make([]struct{ A, B, C, D string }, 3000)},
		"contains itself":        loop,
		"or contains itself":     &holder{V: round},
		"no exported fields":     &struct{ a int }{},
		"needs a pointer":        holder{},
		"not *codec_test.holder": (*holder)(nil),
	} {
		_, err := codec.Gob.Append(nil, v)
		if err == nil || !strings.HasPrefix(err.Error(), "codec: gob: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	data := bytes.Replace(gobAppend(t, &holder{V: gobRole("r")}), []byte("gobRole"), []byte("gobRule"), 1)
	if err := codec.Gob.Decode(data, new(holder)); err == nil || !strings.Contains(err.Error(), "call gob.Register") {
		t.Error(err)
	}
	if err := codec.Gob.Decode(data, holder{}); err == nil {
		t.Error("decoded into a struct that is not there")
	}
}

type gobOneWay struct{ a int }

func (gobOneWay) MarshalBinary() ([]byte, error) { return nil, nil }

func TestGobCheck(t *testing.T) {
	checker := codec.Gob.(codec.Checker)
	for _, v := range []any{gobSession{}, gobTree{}, struct{}{}, struct{ M map[string]*url.URL }{}} {
		if err := checker.Check(reflect.TypeOf(v)); err != nil {
			t.Errorf("%T: %v", v, err)
		}
	}
	for want, v := range map[string]any{
		"C has type chan int":       struct{ C chan int }{},
		"F[] has type func()":       struct{ F []func() }{},
		"only unexported":           struct{ A struct{ b int } }{},
		"gobBase, whose fields":     struct{ gobBase }{},
		"only one of MarshalBinary": struct{ A gobOneWay }{},
		"use a map of pointers": struct {
			M map[string][2]struct{ U url.URL }
		}{},
		"M has type map[string]big.Int": struct{ M map[string]big.Int }{},
		"encodes but cannot decode":     struct{ G gob.GobEncoder }{},
	} {
		err := checker.Check(reflect.TypeOf(v))
		if err == nil || !strings.HasPrefix(err.Error(), "codec: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%T: want %q, got %v", v, want, err)
		}
	}
}

func TestGobIdentity(t *testing.T) {
	if codec.Gob.ID() != 3 || fmt.Sprint(codec.Gob) != "gob" {
		t.Error(codec.Gob.ID(), codec.Gob)
	}
}

func FuzzGobDecode(f *testing.F) {
	var plain bytes.Buffer
	gob.NewEncoder(&plain).Encode(newGobSession())
	f.Add(plain.Bytes())
	f.Add(gobAppend(f, newGobSession()))
	f.Add(gobAppend(f, &gobSession{Any: []any{1, gobPoint{}}, Tree: gobTree{By: map[string]gobTree{"a": {}}}}))
	f.Add(gobAppend(f, &struct{ Names, Other []string }{[]string{"", ""}, nil}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		var s gobSession
		var spent uint64
		var err error
		for range 3 { // what is made once for each type does not count
			s = gobSession{}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err = codec.Gob.Decode(data, &s)
			runtime.ReadMemStats(&after)
			if spent = after.TotalAlloc - before.TotalAlloc; spent <= uint64(16*len(data)+64<<10) {
				break
			}
		}
		if spent > uint64(16*len(data)+64<<10) {
			t.Errorf("%d bytes allocated for %d bytes", spent, len(data))
		}
		if err != nil {
			return
		}
		first, err := codec.Gob.Append(nil, &s)
		if err != nil {
			return // without its padding, a value can be too dense
		}
		// encoding/gob, which is stricter about types that have changed, reads
		// the same if it reads anything.
		var p gobSession
		if gob.NewDecoder(bytes.NewReader(data)).Decode(&p) == nil {
			if got := gobAppend(t, &p); !bytes.Equal(got, first) {
				t.Errorf("encoding/gob reads\n%+v\nGob\n%+v", p, s)
			}
		}
		var again gobSession
		if err := codec.Gob.Decode(first, &again); err != nil {
			t.Fatal(err)
		}
		if second := gobAppend(t, &again); !bytes.Equal(first, second) {
			t.Errorf("not stable:\n%x\n%x", first, second)
		}
	})
}
