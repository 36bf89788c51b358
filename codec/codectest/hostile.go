package codectest

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"strings"

	"github.com/sesame-go/sesame/codec"
)

// sound returns how much decoding n bytes may allocate: more than any type here
// needs for its data, and far less than the lengths that the data declares.
func sound(n int) uint64 { return uint64(1<<20 + n<<10) }

// tight is sound for data that Decode must reject early.
func tight(n int) uint64 { return uint64(64<<10 + 32*n) }

// feeder decodes hostile data, each piece into its own value, and reports panics
// and excessive allocation. Reading the allocator's counters takes longer than
// decoding most pieces, so it measures them in batches, and each one by itself
// only if a batch allocates more than one piece may.
type feeder struct {
	*report
	codec  codec.Codec
	limit  func(n int) uint64 // how much decoding n bytes may allocate
	pieces []piece
}

type piece struct {
	what string
	data []byte
	v    any // decoded as a value of this type
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
	if allocated, _ := f.measure(f.pieces...); f.hardened && allocated > f.limit(0) {
		for _, p := range f.pieces {
			if f.enough() {
				break
			}
			most := f.limit(len(p.data))
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

// measure decodes the pieces and returns the bytes allocated, and the error of
// the last piece.
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
	f := feeder{report: r, codec: c, limit: sound}
	defer f.flush()
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, s := range samples {
		v := s.make(inOrder())
		data, err := encode(c, v)
		if err != nil {
			continue
		}
		if err := decode(c, data, fresh(v)); err != nil {
			continue // reported elsewhere; the call also fills the codec's caches
		}
		// Damage every byte of a short encoding, and some of a long one.
		step := 1 + len(data)/200
		for i := 0; i < len(data); i += 1 + rnd.IntN(stride*step) {
			f.feed("truncated", data[:i], v)
			damaged := bytes.Clone(data)
			damaged[i] ^= 1 << rnd.IntN(8)
			f.feed("with one bit changed", damaged, v)
			if f.hardened {
				damaged = append(bytes.Clone(data[:i]), byte(rnd.Uint32()), 0xff, 0xff, 0xff, 0xff)
				f.feed("with a huge number in it", append(damaged, data[i:]...), v)
			}
		}
	}
	for range 500 / stride {
		noise := make([]byte, rnd.IntN(200))
		for i := range noise {
			noise[i] = byte(rnd.Uint32())
		}
		f.feed("noise", noise, new(Everything))
	}
	for b := 0; b < 256; b += stride {
		for _, v := range []any{new(Everything), new(Item), targets[0]} {
			f.feed("a run of one byte", bytes.Repeat([]byte{byte(b)}, runLength), v)
		}
	}
}

// wide is large in memory and small when encoded.
type wide struct {
	A, B, C, D, E, F, G, H [4]string
	Next                   *wide
}

// targets are structs with one field whose encoding declares a length.
var targets = []any{
	&struct{ V any }{[]any{nil}},
	&struct{ V any }{map[string]any{"a": nil}},
	&struct{ V []any }{[]any{1}},
	&struct{ V []byte }{[]byte{1}},
	&struct{ V []int }{[]int{1}},
	&struct{ V string }{"a"},
	&struct{ V [][]string }{[][]string{{}}},
	&struct{ V []Item }{[]Item{{}}},
	&struct{ V []wide }{[]wide{{}}},
	&struct{ V map[string]wide }{map[string]wide{"a": {}}},
	&struct{ V map[int]int }{map[int]int{1: 1}},
	&struct{ V map[string]any }{map[string]any{"a": nil}},
}

// checkLengths makes data that declares more than it contains, without knowing
// the format: it has the codec encode a container, and where the container
// begins it writes a huge number, after each byte that could introduce one.
func checkLengths(r *report, c codec.Codec) {
	f := feeder{report: r, codec: c, limit: sound}
	defer f.flush()
	for _, v := range targets {
		data, err := encode(c, v)
		if err != nil {
			continue
		}
		for cut := max(0, len(data)-8); cut < len(data); cut += (stride + 1) / 2 {
			for b := 0; b < 256; b += stride {
				head := append(bytes.Clone(data[:cut]), byte(b))
				f.feed("with a huge length in it", append(head, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), v)
				head = append(head[:cut+1:cut+1], 0x3f, 0xff, 0xff, 0xff)
				f.feed("with a huge length in it", append(head, bytes.Repeat([]byte{byte(b)}, 100)...), v)
			}
		}
	}
}

// checkDeep tries deeply nested values, and the opening bytes of containers in
// several formats, repeated.
func checkDeep(r *report, c codec.Codec) {
	f := feeder{report: r, codec: c, limit: tight}
	defer f.flush()
	type tree struct {
		V    any
		Kids []tree
		Next *tree
	}
	var v any
	list, kids := &tree{}, tree{}
	for range levels {
		v = []any{v}
		list = &tree{Next: list}
		kids = tree{Kids: []tree{kids}}
	}
	for _, deep := range []*tree{{V: v}, list, &kids} {
		data, err := encode(c, deep)
		if _, ok := err.(panicError); ok {
			r.errorf("Append of a value %d levels deep: %v", levels, err)
		}
		if err == nil {
			r.errorf("Append of a value %d levels deep returned %d bytes, want an error", levels, len(data))
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
