package codectest

import (
	"bytes"
	"reflect"
	"slices"

	"github.com/sesame-go/sesame/codec"
)

// The same session in an older and a newer version of a program.
type (
	older struct {
		User  string
		Where olderPlace
		Other *olderPlace
		None  *olderPlace
		Items []olderPlace
	}
	olderPlace struct{ City string }

	newer struct {
		Limits map[string]int
		User   string
		Where  newerPlace
		Other  *newerPlace
		None   *newerPlace
		Items  []newerPlace
		Blob   []byte
	}
	newerPlace struct {
		City  string
		Floor int
	}
)

func checkCarry(r *report, c codec.Codec) {
	carrier, ok := c.(codec.Carrier)
	if !ok {
		return
	}
	stored := newer{
		Limits: map[string]int{"b": 2, "a": 1}, User: "ann", Where: newerPlace{"Rome", 3}, Other: &newerPlace{"Oslo", 4}, Blob: []byte{0, 1},
		Items: []newerPlace{{"Bonn", 5}},
	}
	data, err := encode(c, &stored)
	if err != nil {
		r.errorf("Append: %v", err)
		return
	}
	var known older
	found, err := decodeShared(carrier, data, &known)
	if err != nil || !found.Unknown || found.Exact {
		r.errorf("DecodeShared of data with fields that the struct does not have: got %+v, %v, want Unknown and not Exact", found, err)
		return
	}
	known.User, known.Where.City, known.Other.City = "anna", "Pisa", "Bergen"
	written, err := encode(c, &known)
	if err != nil {
		r.errorf("Append: %v", err)
		return
	}
	if found, err := decodeShared(carrier, written, new(older)); err != nil || found.Unknown {
		r.errorf("DecodeShared of what Append wrote: got %+v, %v, want no Unknown", found, err)
	}
	keptData, keptWritten := bytes.Clone(data), bytes.Clone(written)
	extended, lost := carrier.Carry(reflect.TypeFor[older](), written, data)
	if !bytes.Equal(data, keptData) || !bytes.Equal(written, keptWritten) {
		r.errorf("Carry changes its arguments")
	}
	if len(lost) > 0 {
		r.errorf("Carry reports %s as lost, although it could keep every field", lost)
	}
	want := stored
	want.User, want.Where.City, want.Other = "anna", "Pisa", &newerPlace{"Bergen", 4}
	var got newer
	if err := decode(c, extended, &got); err != nil || !reflect.DeepEqual(got, want) {
		r.errorf("after Carry the session is %+v, want %+v (error %v)", got, want, err)
	}
	if again, _ := carrier.Carry(reflect.TypeFor[older](), written, extended); !bytes.Equal(again, extended) {
		r.errorf("Carry is not canonical: applied to its own result it writes %q, not %q", again, extended)
	}
	if same, lost := carrier.Carry(reflect.TypeFor[older](), written, written); !bytes.Equal(same, written) || len(lost) > 0 {
		r.errorf("Carry changes an encoding without unknown fields to %q", same)
	}

	known.Items = append(known.Items, olderPlace{"Ulm"})
	if written, err = encode(c, &known); err != nil {
		r.errorf("Append: %v", err)
		return
	}
	if _, lost := carrier.Carry(reflect.TypeFor[older](), written, data); !slices.Equal(lost, []string{"Items[].Floor"}) {
		r.errorf("Carry reports %q as lost, want Items[].Floor", lost)
	}
}
