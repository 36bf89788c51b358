package codectest

import (
	"bytes"
	"strings"

	"github.com/sesame-go/sesame/codec"
)

// A session with one field whose type V changes between versions of a program.
type (
	changed[V any] struct {
		Before string
		Cart   changedCart[V]
	}
	changedCart[V any] struct {
		Note  string
		Inner V
	}
	changedItem[V any] struct{ Price V }
)

// secret is stored as a text and as a map key; no error may quote it.
const secret = "xyzzy-secret"

var misfits = []struct {
	what         string
	stored, into any
	path         []string // parts that the error must contain, in this order
	wanted       string
}{
	{
		"a text for a number",
		&changed[string]{secret, changedCart[string]{secret, secret}}, new(changed[float64]),
		[]string{"Cart.Inner"}, "float64",
	},
	{
		"a text for a number, in a slice",
		&changed[[]changedItem[string]]{Cart: changedCart[[]changedItem[string]]{Inner: []changedItem[string]{{secret}}}}, new(changed[[]changedItem[int]]),
		[]string{"Cart.Inner[", "].Price"}, "int",
	},
	{
		"a text for a number, in a map",
		&changed[map[string]string]{Cart: changedCart[map[string]string]{Inner: map[string]string{secret: secret}}}, new(changed[map[string]bool]),
		[]string{"Cart.Inner["}, "bool",
	},
	{
		"a text for a struct",
		&changed[string]{Cart: changedCart[string]{Inner: secret}}, new(changed[*changedItem[int]]),
		[]string{"Cart.Inner"}, "changedItem",
	},
	{
		"a number that is too large",
		&changed[int]{Cart: changedCart[int]{Inner: 31415}}, new(changed[int8]),
		[]string{"Cart.Inner"}, "int8",
	},
	{
		"a text that a method refuses",
		&changed[Blob]{Cart: changedCart[Blob]{Inner: Blob{secret}}}, new(changed[choosy]),
		[]string{"Cart.Inner"}, "choosy",
	},
}

// choosy is a Blob whose UnmarshalBinary always fails.
type choosy struct{ Blob }

// MarshalBinary implements [encoding.BinaryMarshaler].
func (c choosy) MarshalBinary() ([]byte, error) { return c.Blob.MarshalBinary() }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (*choosy) UnmarshalBinary(data []byte) error { return choosyError(data) }

type choosyError string

func (e choosyError) Error() string { return "refused: " + string(e) }

func checkFields(r *report, c codec.Codec) {
	refused := 0
	for _, m := range misfits {
		data, err := encode(c, m.stored)
		if err != nil {
			continue // a codec need not support the method
		}
		checkQuotes(r, c, data, m.into)
		err = decode(c, data, m.into)
		if err == nil {
			continue // a codec may convert types
		}
		refused++
		text, rest := err.Error(), err.Error()
		for _, part := range append(m.path, m.wanted) {
			var found bool
			if _, rest, found = strings.Cut(rest, part); !found {
				r.errorf("%s: the error of Decode should contain %q, but is %q", m.what, part, text)
			}
		}
		checkQuote(r, err)
	}
	if refused == 0 {
		r.errorf("Decode reads every type as any other")
	}
}

// checkQuotes damages data byte by byte and decodes it into values of v's type.
func checkQuotes(r *report, c codec.Codec, data []byte, v any) {
	for i := range data {
		damaged := bytes.Clone(data)
		damaged[i] ^= 0x81
		checkQuote(r, decode(c, damaged, fresh(v)))
		checkQuote(r, decode(c, data[:i], fresh(v)))
	}
}

// checkQuote looks for the stored values in err, and for each half of secret,
// because the other half may be damaged.
func checkQuote(r *report, err error) {
	if err == nil {
		return
	}
	for _, part := range append(strings.Split(secret, "-"), "31415") {
		if text := err.Error(); strings.Contains(text, part) {
			r.errorf("the error of Decode quotes stored data: %q", text)
		}
	}
}
