package codectest

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"strings"

	"github.com/sesame-go/sesame/codec"
)

// limit is how much decoding n bytes may allocate in all.
func limit(n int) uint64 { return memoryFactor * uint64(16*n+64<<10) }

// feeder decodes hostile data, each piece into a value of its own, and reports
// panics and excesses of memory. To read the allocator's counters takes longer
// than most decoding, so it does that for many pieces at once, and for each alone
// if together they allocate more than one may.
type feeder struct {
	*report
	codec  codec.Codec
	pieces []piece
}

type piece struct {
	what string
	data []byte
	v    any // what to decode it as
}

func (f *feeder) feed(what string, data []byte, v any) {
	if f.enough() {
		return
	}
	f.pieces = append(f.pieces, piece{what, data, v})
	if len(f.pieces) == 64 {
		f.flush()
	}
}

func (f *feeder) flush() {
	if allocated, _ := f.measure(f.pieces...); allocated > limit(0) {
		for _, p := range f.pieces {
			if f.enough() {
				break
			}
			most := limit(len(p.data))
			allocated, err := f.measure(p)
			for i := 0; i < 2 && allocated > most; i++ { // something else may have allocated
				allocated, err = f.measure(p)
			}
			if allocated > most {
				f.errorf("%s: %d bytes %.40q into %T allocate %d bytes, more than %d (error %v)",
					p.what, len(p.data), p.data, p.v, allocated, most, err)
			}
		}
	}
	f.pieces = f.pieces[:0]
}

// measure decodes the pieces and returns how much that allocates, and the last
// error.
func (f *feeder) measure(pieces ...piece) (allocated uint64, err error) {
	targets := make([]any, len(pieces))
	for i, p := range pieces {
		targets[i] = fresh(p.v)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i, p := range pieces {
		err = decode(f.codec, p.data, targets[i])
		if _, panicked := err.(panicError); panicked {
			f.errorf("%s: %d bytes %.40q into %T: %v", p.what, len(p.data), p.data, p.v, err)
		}
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, err
}

func checkCorrupt(r *report, c codec.Codec) {
	f := feeder{report: r, codec: c}
	defer f.flush()
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, s := range samples {
		v := s.make(inOrder())
		data, err := encode(c, v)
		if err != nil {
			continue
		}
		if err := decode(c, data, fresh(v)); err != nil {
			continue // reported elsewhere; it also fills the codec's caches
		}
		// All damage to a short encoding, some to a long one.
		step := 1 + len(data)/200
		for i := 0; i < len(data); i += 1 + rnd.IntN(stride*step) {
			f.feed("truncated", data[:i], v)
			damaged := bytes.Clone(data)
			damaged[i] ^= 1 << rnd.IntN(8)
			f.feed("with one bit changed", damaged, v)
			damaged = append(bytes.Clone(data[:i]), byte(rnd.Uint32()))
			damaged = append(damaged, 0xff, 0xff, 0xff, 0xff)
			f.feed("with a huge number in it", append(damaged, data[i:]...), v)
		}
	}
	for range 500 / stride {
		noise := make([]byte, rnd.IntN(200))
		for i := range noise {
			noise[i] = byte(rnd.Uint32())
		}
		f.feed("noise", noise, new(Everything))
	}
}

// wide is large in memory and small when encoded.
type wide struct {
	A, B, C, D, E, F, G, H [4]string
	Next                   *wide
}

// targets have one field that hostile data may go to. The second value has
// one element more than the first.
var targets = []struct{ one, two any }{
	{&struct{ V any }{[]any{nil}}, &struct{ V any }{[]any{nil, nil}}},
	{&struct{ V any }{[]any{map[string]any{}}}, &struct{ V any }{[]any{map[string]any{}, map[string]any{}}}},
	{&struct{ V any }{[]any{[]any{}}}, &struct{ V any }{[]any{[]any{}, []any{}}}},
	{&struct{ V []any }{[]any{1}}, &struct{ V []any }{[]any{1, 1}}},
	{&struct{ V []int }{[]int{1}}, &struct{ V []int }{[]int{1, 1}}},
	{&struct{ V []string }{[]string{""}}, &struct{ V []string }{[]string{"", ""}}},
	{&struct{ V [][]string }{[][]string{{}}}, &struct{ V [][]string }{[][]string{{}, {}}}},
	{&struct{ V []Item }{[]Item{{}}}, &struct{ V []Item }{[]Item{{}, {}}}},
	{&struct{ V []wide }{[]wide{{}}}, &struct{ V []wide }{[]wide{{}, {}}}},
	{&struct{ V []*wide }{[]*wide{{}}}, &struct{ V []*wide }{[]*wide{{}, {}}}},
	{&struct{ V []*[100]int }{[]*[100]int{{}}}, &struct{ V []*[100]int }{[]*[100]int{{}, {}}}},
	{&struct{ V []map[int]wide }{[]map[int]wide{{}}}, &struct{ V []map[int]wide }{[]map[int]wide{{}, {}}}},
	{&struct{ V map[string]wide }{map[string]wide{"a": {}}}, &struct{ V map[string]wide }{map[string]wide{"a": {}, "b": {}}}},
	{&struct{ V map[int]int }{map[int]int{1: 1}}, &struct{ V map[int]int }{map[int]int{1: 1, 2: 2}}},
	{&struct{ V map[string]any }{map[string]any{"a": nil}}, &struct{ V map[string]any }{map[string]any{"a": nil, "b": nil}}},
}

// checkDense makes data that is small for what it may make a decoder allocate,
// without knowing the format: it lets the codec encode a container and puts
// long runs of each byte, and lengths with them, where the container begins;
// and it repeats whatever one more element has added.
func checkDense(r *report, c codec.Codec) {
	f := feeder{report: r, codec: c}
	defer f.flush()
	fillers := []byte{0x00, 0x01, 0x40, 0x60, 0x80, 0x90, 0xa0, 0xc0, 0xc2, 0xf6, '0', '[', '{', '"'}
	for _, target := range targets {
		one, err1 := encode(c, target.one)
		two, err2 := encode(c, target.two)
		if err1 != nil || err2 != nil {
			continue
		}
		if unit, at := inserted(one, two); unit != nil {
			for _, size := range []int{4 << 10, 100 << 10} {
				dense := append(bytes.Clone(one[:at]), bytes.Repeat(unit, 1+size/len(unit))...)
				f.feed("dense", append(dense, one[at:]...), target.one)
			}
		}
		for cut := max(0, len(one)-8); cut < len(one); cut += (stride + 1) / 2 {
			for b := 0; b < 256; b += stride {
				head := append(bytes.Clone(one[:cut]), byte(b))
				f.feed("with a huge number in it", append(head, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), target.one)
				if b%16 == 0 || b >= 0xc0 { // else it has no length
					filler := fillers[b%len(fillers)]
					head = append(head[:cut+1:cut+1], runLength>>9, 0x00)
					f.feed("a run of elements", append(head, bytes.Repeat([]byte{filler}, runLength)...), target.one)
				}
			}
		}
		for cut := max(0, len(one)-8); cut < len(one); cut += (stride + 1) / 2 {
			for _, filler := range fillers {
				for _, size := range [][]byte{{0xdc, runLength >> 7, 0}, {0xde, runLength >> 8, 0}, {0x99, runLength >> 7, 0}, {0xb9, runLength >> 8, 0}, {0xfe, runLength >> 7, 0}} {
					head := append(bytes.Clone(one[:cut]), size...)
					f.feed("a counted run of elements", append(head, bytes.Repeat([]byte{filler}, 2*runLength)...), target.one)
				}
			}
		}
	}
	for b := 0; b < 256; b += stride {
		for _, v := range []any{new(Everything), new(Item), targets[0].one} {
			f.feed("a run of one byte", bytes.Repeat([]byte{byte(b)}, runLength), v)
		}
	}
}

// inserted returns what was inserted into one to give two, and where.
func inserted(one, two []byte) (unit []byte, at int) {
	for at < len(one) && one[at] == two[at] {
		at++
	}
	n := len(two) - len(one)
	if n <= 0 || !bytes.Equal(one[at:], two[at+n:]) {
		return nil, 0
	}
	return two[at : at+n], at
}

// checkDeep nests what the codec encodes, and opening brackets of all formats.
func checkDeep(r *report, c codec.Codec) {
	f := feeder{report: r, codec: c}
	defer f.flush()
	type tree struct {
		V    any
		Kids []tree
		Next *tree
	}
	var v any
	list, kids := &tree{}, tree{}
	for range 100_000 {
		v = []any{v}
		list = &tree{Next: list}
		kids = tree{Kids: []tree{kids}}
	}
	for _, deep := range []*tree{{V: v}, list, &kids} {
		data, err := encode(c, deep)
		if _, ok := err.(panicError); ok {
			r.errorf("Append of a value 100000 levels deep: %v", err)
		}
		if err == nil {
			f.feed("deep", data, new(tree))
		}
	}
	prefix, err := encode(c, &tree{})
	if err != nil {
		return
	}
	units := []string{"[", `{"V":`, `[{"V":`, `{"Kids":[`, `{"Next":`, "\x91", "\x81", "\x81\xa1V", "\x81\xa4Next", "\x81\xa4Kids\x91", "\x81\xa1V\x81\xa1x", "\x9f", "\xbf", "\xc6", "\xc1\x00"}
	for _, unit := range units {
		deep := []byte(strings.Repeat(unit, 20*runLength))
		for cut := 0; cut <= len(prefix); cut += 1 + len(prefix)/8 {
			f.feed("deep", append(bytes.Clone(prefix[:cut]), deep...), new(tree))
		}
	}
}
