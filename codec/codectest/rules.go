package codectest

import (
	"bytes"
	"reflect"
	"strings"
	"sync"

	"github.com/sesame-go/sesame/codec"
)

func checkID(r *report, c codec.Codec) {
	id := c.ID()
	if id == 0 {
		r.errorf("ID is 0")
	}
	for range 10 {
		if again := c.ID(); again != id {
			r.errorf("ID is %d, then %d", id, again)
		}
	}
}

func checkChecker(r *report, c codec.Codec) {
	checker, ok := c.(codec.Checker)
	if !ok {
		return
	}
	for _, s := range samples {
		if !s.rare {
			if err := checker.Check(reflect.TypeOf(s.make(inOrder())).Elem()); err != nil {
				r.errorf("%s: Check rejects it: %v", s.name, err)
			}
		}
	}
	type recursive struct {
		Next *recursive
		Kids map[string][]recursive
	}
	type Session struct{ Tree recursive }
	if err := checker.Check(reflect.TypeFor[Session]()); err != nil {
		r.errorf("Check rejects a type that contains itself: %v", err)
	}
	for _, bad := range badTypes {
		err := checker.Check(bad.typ)
		if err == nil {
			r.errorf("Check accepts %s", bad.typ)
		} else if !strings.Contains(err.Error(), bad.names) {
			r.errorf("Check of %s should name %s, but says %q", bad.typ, bad.names, err)
		}
	}
}

var badTypes = []struct {
	typ   reflect.Type
	names string
}{
	{reflect.TypeFor[struct {
		A      int
		Notify chan int
	}](), "Notify"},
	{reflect.TypeFor[struct{ Callback func() }](), "Callback"},
	{reflect.TypeFor[struct {
		Cart struct{ Lines []struct{ Wake *chan int } }
	}](), "Wake"},
	{reflect.TypeFor[struct{ Hooks map[string]func() }](), "Hooks"},
	{reflect.TypeFor[struct {
		Lock struct{ state int }
	}](), "Lock"},
}

func checkRefuse(r *report, c codec.Codec) {
	type loop struct{ Next *loop }
	cycle := &loop{}
	cycle.Next = cycle
	type anyLoop struct{ Next any }
	anyCycle := &anyLoop{}
	anyCycle.Next = anyCycle
	for _, v := range []any{
		&struct{ C chan int }{make(chan int)},
		&struct{ F func() }{func() {}},
		&struct{ A any }{make(chan int)},
		cycle,
		anyCycle,
	} {
		data, err := encode(c, v)
		if _, ok := err.(panicError); ok {
			r.errorf("Append of %T: %v", v, err)
		}
		if err == nil {
			r.errorf("Append of %T returned %d bytes, want an error", v, len(data))
		}
	}
}

func checkRoundTrip(r *report, c codec.Codec) {
	for _, s := range samples {
		v := s.make(inOrder())
		data, ok, err := s.encode(c, v)
		if err != nil {
			r.errorf("%s: Append: %v", s.name, err)
		}
		if !ok {
			continue
		}
		got, again, err := transcode(c, data, v)
		if err != nil {
			r.errorf("%s: decoding what Append wrote, and encoding the result: %v", s.name, err)
			continue
		}
		if !same(reflect.ValueOf(v), reflect.ValueOf(got)) {
			r.errorf("%s: %+v was decoded as %+v", s.name, v, got)
		}
		if s.loose {
			data = again
			_, again, err = transcode(c, data, v)
		}
		if err != nil || !r.alike(c, data, again, v) {
			r.errorf("%s: decoding and encoding again changes the bytes from\n%q to\n%q (error %v)", s.name, data, again, err)
		}
	}
}

// transcode decodes data as a value of v's type and encodes it again.
func transcode(c codec.Codec, data []byte, v any) (got any, again []byte, err error) {
	got = fresh(v)
	if err := decode(c, data, got); err != nil {
		return nil, nil, err
	}
	again, err = encode(c, got)
	return got, again, err
}

func checkAppend(r *report, c codec.Codec) {
	v := everything(inOrder())
	want, err := encode(c, v)
	if err != nil {
		r.errorf("Append: %v", err)
		return
	}
	const prefix = "what is there"
	for _, room := range []int{0, 1, len(want) - 1, len(want), len(want) + 1, 4 * len(want)} {
		dst := append(make([]byte, 0, len(prefix)+room), prefix...)
		got, err := c.Append(dst, v)
		switch {
		case err != nil:
			r.errorf("dst has room for %d bytes: %v", room, err)
		case !bytes.HasPrefix(got, []byte(prefix)) || string(dst) != prefix:
			r.errorf("dst has room for %d bytes: Append has overwritten the bytes that were in dst", room)
		case !r.alike(c, got[len(prefix):], want, v):
			r.errorf("dst has room for %d bytes: the encoding differs from one without a prefix", room)
		case room >= 4*len(want) && &got[0] != &dst[0]:
			r.errorf("dst has enough room, but Append does not use it")
		}
	}
	// The result of Append belongs to the caller: later calls must not change it.
	first, _ := c.Append(nil, v)
	kept := bytes.Clone(first)
	for range 10 {
		if _, err := c.Append(nil, &Item{SKU: strings.Repeat("#", 2*len(want))}); err != nil {
			r.errorf("Append: %v", err)
		}
	}
	if !bytes.Equal(first, kept) {
		r.errorf("later calls of Append change bytes that an earlier one returned")
	}
}

func checkAlias(r *report, c codec.Codec) {
	for _, s := range samples {
		v := s.make(inOrder())
		data, ok, _ := s.encode(c, v)
		if !ok {
			continue
		}
		kept := bytes.Clone(data)
		got := fresh(v)
		if err := decode(c, data, got); err != nil {
			continue
		}
		if !bytes.Equal(data, kept) {
			r.errorf("%s: Decode changes data", s.name)
		}
		before, _ := encode(c, got)
		for i := range data {
			data[i] = 0x5a
		}
		if after, err := encode(c, got); err != nil || !r.alike(c, before, after, v) {
			r.errorf("%s: overwriting data changes the decoded value", s.name)
		}
	}
}

func checkFresh(r *report, c codec.Codec) {
	full, err1 := encode(c, everything(inOrder()))
	empty, err2 := encode(c, new(Everything))
	if err1 != nil || err2 != nil {
		r.errorf("Append: %v, %v", err1, err2)
		return
	}
	for range 5 {
		var a, b Everything
		if err := decode(c, full, &a); err != nil {
			r.errorf("Decode: %v", err)
		}
		if err := decode(c, empty, &b); err != nil {
			r.errorf("Decode: %v", err)
		}
		if !same(reflect.ValueOf(b), reflect.ValueOf(Everything{})) {
			r.errorf("an empty session is decoded as %+v", b)
		}
	}
}

func checkEvolution(r *report, c codec.Codec) {
	type before struct {
		Kept  string
		Lost  map[string][]Item
		Gone  *Everything
		Count int
	}
	type after struct {
		Added []string
		Count int64
		More  *Item
		Kept  string
	}
	data, err := encode(c, &before{"kept", map[string][]Item{"x": {{SKU: "y"}}}, everything(inOrder()).(*Everything), 7})
	if err != nil {
		r.errorf("Append: %v", err)
		return
	}
	var got after
	if err := decode(c, data, &got); err != nil {
		r.errorf("Decode into a struct with other fields: %v", err)
	} else if got.Kept != "kept" || got.Count != 7 || got.Added != nil || got.More != nil {
		r.errorf("Decode into a struct with other fields gives %+v", got)
	}
}

func checkConcurrent(r *report, c codec.Codec) {
	v := everything(inOrder())
	want, err := encode(c, v)
	if err != nil {
		r.errorf("Append: %v", err)
		return
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	failed := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		r.errorf(format, args...)
	}
	for range 8 {
		wg.Go(func() {
			for range 25 {
				got := new(Everything)
				if err := decode(c, want, got); err != nil {
					failed("Decode: %v", err)
				}
				if data, err := encode(c, got); err != nil || !r.alike(c, data, want, v) {
					failed("concurrent calls give different bytes (error %v)", err)
				}
				if data, err := encode(c, v); err != nil || !r.alike(c, data, want, v) {
					failed("concurrent calls on one value give different bytes (error %v)", err)
				}
			}
		})
	}
	wg.Wait()
}

func checkTrailing(r *report, c codec.Codec) {
	data, err := encode(c, &Item{SKU: "x", Qty: 1})
	if err != nil {
		r.errorf("Append: %v", err)
		return
	}
	for _, tail := range []string{"\x00", "\xc0", "{}", "x", string(data)} {
		if err := decode(c, append(bytes.Clone(data), tail...), new(Item)); err == nil {
			r.errorf("Decode of a value followed by %q returned no error", tail)
		}
	}
	if err := decode(c, nil, new(Item)); err == nil {
		r.errorf("Decode of no data returned no error")
	}
}
