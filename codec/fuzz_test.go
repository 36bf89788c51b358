package codec_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sesame-go/sesame/codec"
)

// fuzzed has what hostile data may do most with.
type fuzzed struct {
	Omits  []omitting // first: after a field is missing data is inexact, and omitempty is looked at no more
	Int    int
	Small  int8
	Float  float32
	String string
	Bytes  []byte
	Array  [4]string
	Time   time.Time
	Any    any
	Anys   []any
	Maps   map[string]map[int]string
	Keys   map[any]any
	Wide   []medium
	Ptrs   []*fuzzed
	Text   ptrText
	Custom *custom
	Base
	*Named
}

// omitting has fields that decoding looks at again, to see if they are empty.
type omitting struct {
	A, B, C, D, E, F, G, H any        `msgpack:",omitempty"`
	Time                   *time.Time `msgpack:",omitempty"`
}

func FuzzMsgPackDecode(f *testing.F) {
	for _, seed := range []string{
		"", "\x80", "\xc0", "\x90", "\xc1", "\xdf\xff\xff\xff\xff", "\xdd\xff\xff\xff\xff", "\xde\x40\x00",
		"\x81\xa3Any\xdd\x7f\xff\xff\xff\xc0", "\x81\xa6String\xdb\xff\xff\xff\xff", "\x81\xa5Bytes\xc6\xff\xff\xff\xff",
		"\x81\xa4Time\xc7\x0c\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00", "\x81\xa3Any\xd6\x05abcd", "\x81\xa3Any\x81\x90\x01",
		"\x81\xa4Keys\x82\x01\x02\x01\x03", "\x81\xa5Small\xcd\x01\x00", "\x81\xa6Custom\x92\x01\x02", "\x81\xa4Text\xc4\x02hi",
		"\x81\xa4Wide\xdc\x00\x10" + strings.Repeat("\xc0", 16), "\x81\xa3Any" + strings.Repeat("\x91", 2000),
		"\x81\xa4Name\xc0\x81\xa4Name\xa1x",
	} {
		f.Add([]byte(seed))
	}
	addEncoded(f, codec.MsgPack)
	f.Fuzz(func(t *testing.T, data []byte) { decodeHostile(t, codec.MsgPack, data) })
}

// TestMsgPackOmitting decodes what costs most to look at again.
func TestMsgPackOmitting(t *testing.T) {
	fields := "\x88"
	for name := 'A'; name <= 'H'; name++ {
		fields += "\xa1" + string(name) + "\x91\x01"
	}
	decodeHostile(t, codec.MsgPack, []byte("\x81\xa5Omits\xdc\x08\x00"+strings.Repeat(fields, 0x800)))
}

func FuzzJSONDecode(f *testing.F) {
	for _, seed := range []string{
		"", "null", "{}", "[", "{\"Any\":", `{"Any":[{},{},{}]}`, `{"any":1,"ANY":[2]}`, `{"\u0041ny":[[[]]]}`,
		`{"Any":1e400}`, `{"Int":1.5}`, `{"String":"\ud800"}`, "{\"String\":\"\xff\"}", `{"Bytes":"!!!"}`, `{"Wide":[null,{},{}]}`,
		`{"Any":` + strings.Repeat("[", 2000), `{} {}`, `{"Keys":{"1":2}}`, `{"Text":"x","Time":"2026-01-01T00:00:00Z"}`,
		`{"Maps":{"a":{"1":"x","1":"y"}}}`,
	} {
		f.Add([]byte(seed))
	}
	addEncoded(f, codec.JSON)
	f.Fuzz(func(t *testing.T, data []byte) { decodeHostile(t, codec.JSON, data) })
}

func addEncoded(f *testing.F, c codec.Codec) {
	for _, v := range []any{
		&fuzzed{},
		&mediumSession,
		&fuzzed{Int: 1, String: "s", Any: []any{1, "x", map[string]any{"a": 1.5}}, Anys: []any{nil, true},
			Maps: map[string]map[int]string{"m": {1: "a", -2: "b"}}, Wide: []medium{mediumSession}, Ptrs: []*fuzzed{nil, {Small: -3}},
			Text: ptrText{"text"}, Base: Base{1, 2}, Named: &Named{"n"}},
	} {
		if data, err := c.Append(nil, v); err == nil {
			f.Add(data)
		}
	}
}

// decodeWithin decodes data to a value like v, and checks that it allocates no
// more than MsgPack promises.
func decodeWithin[T any](t *testing.T, data []byte, _ T) (v *T, err error) {
	t.Helper()
	allocated := uint64(1 << 62)
	for range 3 { // the fuzzer's own goroutines allocate too
		v = new(T)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err = codec.MsgPack.Decode(data, v)
		runtime.ReadMemStats(&after)
		allocated = min(allocated, after.TotalAlloc-before.TotalAlloc)
	}
	if most := uint64(16*len(data) + 64<<10); allocated > most {
		t.Errorf("%T: %d bytes allocate %d, more than %d", v, len(data), allocated, most)
	}
	return v, err
}

// decodeHostile checks that what is accepted can be written and read again, and
// the memory that MsgPack takes.
func decodeHostile(t *testing.T, c codec.Codec, data []byte) {
	kept, v := bytes.Clone(data), new(fuzzed)
	err := c.Decode(data, v)
	if c == codec.MsgPack {
		v, err = decodeWithin(t, data, fuzzed{})
	}
	if !bytes.Equal(data, kept) {
		t.Error("Decode changed data")
	}
	if err != nil {
		if !strings.HasPrefix(err.Error(), "codec: ") || strings.Contains(err.Error(), "panic") {
			t.Errorf("error %q", err)
		}
		return
	}
	first, err := c.Append(nil, v)
	if err != nil {
		return // such as a value that was written more densely than Append does
	}
	again := new(fuzzed)
	if err := c.Decode(first, again); err != nil {
		t.Fatalf("what Append wrote cannot be decoded: %v", err)
	}
	second, err := c.Append(nil, again)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("encoding again gives\n%q instead of\n%q (error %v)", second, first, err)
	}
}
