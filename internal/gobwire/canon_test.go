package gobwire

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"
)

func TestCanon(t *testing.T) {
	want := canon(t, encode(t, sample()))
	for range 50 {
		if got := canon(t, encode(t, sample())); !bytes.Equal(got, want) {
			t.Fatalf("equal values, different bytes:\n%x\n%x", want, got)
		}
	}
	if again := canon(t, want); !bytes.Equal(again, want) {
		t.Errorf("Canon is not idempotent:\n%x\n%x", want, again)
	}
	var plain, own session
	if err := gob.NewDecoder(bytes.NewReader(want)).Decode(&plain); err != nil {
		t.Fatal(err)
	}
	if err := Decode(want, reflect.ValueOf(&own).Elem()); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(plain, own) {
		t.Errorf("encoding/gob decodes\n%+v\nand Decode\n%+v", plain, own)
	}
}

// TestCanonBytes pins the format: sessions are stored in it.
func TestCanonBytes(t *testing.T) {
	type point struct{ X, Y int }
	type all struct {
		M map[string][]point
		A [2]bool
		I any
	}
	v := &all{map[string][]point{"b": {{1, 2}}, "a": nil}, [2]bool{true, false}, large{Label: "l"}}
	got := fmt.Sprintf("%x", canon(t, encode(t, v)))
	want := strings.Join([]string{
		"1bff81 03 0203 01014d01ff8400 01014101ff8600 0101490110 00 0000", // 65: all
		"0aff83 04 020c 01ff88 0000",                                      // 66: map[string][]point
		"09ff85 01 0202 0104 0000",                                        // 67: [2]bool
		"08ff87 02 02ff8a 0000",                                           // 68: []point
		"13ff89 03 0202 0101580104 00 0101590104 00 0000",                 // 69: point
	}, "")
	want = strings.ReplaceAll(want, " ", "")
	if !strings.HasPrefix(got, want) {
		t.Errorf("\ngot  %s\nwant %s...", got, want)
	}
	if value := "ff82" + "01" + "02" + "016100" + "01620101020104" + "00" + "01" + "020100"; !strings.Contains(got, value) {
		t.Errorf("\ngot  %s\nwant ...%s...", got, value)
	}
}

// TestSingles takes values that are not structs to and fro.
func TestSingles(t *testing.T) {
	for _, v := range []any{
		1, "s", []byte("b"), 2.5, 1i, true, []int{1}, [1]string{"x"}, map[string]any{"a": 1, "b": nil},
		[]any{map[string]any{"x": []any{1}}, large{}}, big.NewInt(5), [][]byte{{1}, nil},
	} {
		data := canon(t, encode(t, v))
		got := reflect.New(reflect.Indirect(reflect.ValueOf(v)).Type())
		if err := Decode(data, got.Elem()); err != nil {
			t.Errorf("%T: %v", v, err)
			continue
		}
		if want := encode(t, got.Interface()); !bytes.Equal(canon(t, want), data) {
			t.Errorf("%T: got %v, want %v", v, got.Elem(), v)
		}
		plain := reflect.New(got.Elem().Type())
		if err := gob.NewDecoder(bytes.NewReader(data)).DecodeValue(plain); err != nil {
			t.Errorf("encoding/gob, %T: %v", v, err)
		}
	}
}

func FuzzCanon(f *testing.F) {
	f.Add(encode(f, sample()))
	f.Add(canon(f, encode(f, sample())))
	f.Add(encode(f, map[any]any{1: "a", "b": []any{nil, large{}}}))
	f.Add(encode(f, &struct{ F map[float64][]complex64 }{map[float64][]complex64{0.5: {1}, -2: {}}}))
	f.Add([]byte{3, 4, 0, 6})
	f.Fuzz(func(t *testing.T, stream []byte) {
		once, err := Canon(nil, stream)
		if err != nil {
			return
		}
		twice, err := Canon(nil, once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("Canon of %x is %x, and of that %x, %v", stream, once, twice, err)
		}
		// Decode takes both for the same value.
		var a, b session
		errA := Decode(stream, reflect.ValueOf(&a).Elem())
		errB := Decode(once, reflect.ValueOf(&b).Elem())
		if errA == nil && errB == nil && !same(t, &a, &b) {
			t.Fatalf("%x is decoded as %+v, its canonical form %x as %+v", stream, a, once, b)
		}
	})
}

// same compares two sessions by their encoding, in which a NaN is like another.
func same(t *testing.T, a, b *session) bool {
	var bufA, bufB bytes.Buffer
	errA, errB := gob.NewEncoder(&bufA).Encode(a), gob.NewEncoder(&bufB).Encode(b)
	if errA != nil || errB != nil {
		return (errA == nil) == (errB == nil)
	}
	return bytes.Equal(canon(t, bufA.Bytes()), canon(t, bufB.Bytes()))
}
