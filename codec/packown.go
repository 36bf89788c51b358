package codec

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"reflect"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/sesame-go/sesame/internal/misfit"
	"github.com/sesame-go/sesame/internal/shape"
)

// ownMethods are the methods of a type that writes and reads itself. What they
// return is copied, and what they are given is a copy, so that they reach neither
// the data nor other values.
type ownMethods struct {
	shape.Methods
	append func(e *packer, v any) error
	read   func(raw []byte, v any) error
	lent   int // bytes of what reading lends the methods, besides a copy
}

// allOwnMethods are in the order of precedence of msgpack/v5.
var allOwnMethods = []ownMethods{
	{
		shape.MethodsOf[msgpack.CustomEncoder, msgpack.CustomDecoder]("EncodeMsgpack", "DecodeMsgpack",
			func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("EncodeMsgpack") },
			func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("DecodeMsgpack") }),
		appendCustom,
		readCustom,
		decoderSize,
	},
	{
		shape.MethodsOf[msgpack.Marshaler, msgpack.Unmarshaler]("MarshalMsgpack", "UnmarshalMsgpack",
			func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("MarshalMsgpack") },
			func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("UnmarshalMsgpack") }),
		appendMarshaled,
		func(raw []byte, v any) error { return v.(msgpack.Unmarshaler).UnmarshalMsgpack(bytes.Clone(raw)) },
		0,
	},
	{
		shape.Binary,
		func(e *packer, v any) error { return e.packContent(v.(encoding.BinaryMarshaler).MarshalBinary()) },
		func(raw []byte, v any) error { return readContent(raw, v.(encoding.BinaryUnmarshaler).UnmarshalBinary) },
		0,
	},
	{
		shape.Text,
		func(e *packer, v any) error { return e.packContent(v.(encoding.TextMarshaler).MarshalText()) },
		func(raw []byte, v any) error { return readContent(raw, v.(encoding.TextUnmarshaler).UnmarshalText) },
		0,
	},
}

// ownMethodsOf returns the methods by which values of type t write and read
// themselves, nil if there are none. A pointer has those of what it points to.
func ownMethodsOf(t reflect.Type) (*ownMethods, error) {
	if t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer {
		return nil, nil // the type that it points to is looked at later
	}
	pairs := make([]shape.Methods, len(allOwnMethods))
	for i, m := range allOwnMethods {
		pairs[i] = m.Methods
	}
	i, err := shape.Choose(pairs, t, reflect.PointerTo(t))
	if i < 0 {
		return nil, err
	}
	return &allOwnMethods[i], pairs[i].Check(t, "msgpack")
}

func (m *ownMethods) pack(e *packer, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		if v.IsNil() {
			e.buf = append(e.buf, codeNil)
			return nil
		}
	}
	if !v.CanAddr() { // the methods may want a pointer
		p := reflect.New(v.Type())
		p.Elem().Set(v)
		v = p.Elem()
	}
	start := len(e.buf)
	if err := m.append(e, v.Addr().Interface()); err != nil {
		return fmt.Errorf("codec: %s of %s: %w", m.Marshal, v.Type(), err)
	}
	e.cost += ownSize(len(e.buf)-start) + m.lent
	return nil
}

// unpack marks the data as loose, since it is not known what the methods would write.
func (m *ownMethods) unpack(d *unpacker, v reflect.Value) error {
	d.loose = true
	if d.passes(nilKey) {
		v.SetZero()
		return nil
	}
	start := d.pos
	if err := d.skip(); err != nil {
		return err
	}
	raw := d.data[start:d.pos:d.pos]
	if err := d.charge(ownSize(len(raw)) + m.lent); err != nil {
		return err
	}
	read := m.read
	if d.catch {
		read = m.tryRead
	}
	if err := read(raw, v.Addr().Interface()); err != nil {
		r := reader{data: raw}
		h, _ := r.head()
		return misfit.Refused(h.String(), m.Unmarshal, v.Type(), err)
	}
	return nil
}

// tryRead turns a panic of the method into an error.
func (m *ownMethods) tryRead(raw []byte, v any) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &misfit.Panic{Value: r}
		}
	}()
	return m.read(raw, v)
}

// ownSize estimates what a type's own methods allocate for n bytes.
func ownSize(n int) int { return 64 + 2*n }

// packContent writes what MarshalBinary or MarshalText has returned.
func (e *packer) packContent(b []byte, err error) error {
	if b == nil {
		e.buf = append(e.buf, codeNil)
	} else {
		e.buf = append(appendBinLen(e.buf, len(b)), b...)
	}
	return err
}

var errNoContent = errors.New("codec: msgpack: the method needs bytes or a string")

func readContent(raw []byte, unmarshal func([]byte) error) error {
	r := reader{data: raw}
	h, err := r.head()
	if err == nil && h.kind != kindBin && h.kind != kindStr {
		err = errNoContent
	}
	if err != nil {
		return err
	}
	return unmarshal(bytes.Clone(r.bytes(h.n)))
}

func appendMarshaled(e *packer, v any) error {
	b, err := v.(msgpack.Marshaler).MarshalMsgpack()
	if err != nil {
		return err
	}
	start := len(e.buf)
	e.buf = append(e.buf, b...)
	return e.checkOne(start)
}

// appendCustom gives EncodeMsgpack an encoder that writes to e and is as canonical
// as its options allow.
func appendCustom(e *packer, v any) error {
	start := len(e.buf)
	enc := msgpack.GetEncoder()
	defer msgpack.PutEncoder(enc)
	enc.Reset((*packWriter)(e))
	enc.UseCompactInts(true)
	enc.SetSortMapKeys(true)
	if err := v.(msgpack.CustomEncoder).EncodeMsgpack(enc); err != nil {
		return err
	}
	return e.checkOne(start)
}

func readCustom(raw []byte, v any) error {
	return v.(msgpack.CustomDecoder).DecodeMsgpack(newDecoder(raw))
}

// newDecoder returns a decoder of msgpack/v5 that reads a copy of raw. It comes
// from no pool: methods may keep it, and those of types that were registered
// with msgpack.RegisterExt are given a part of its buffer.
func newDecoder(raw []byte) *msgpack.Decoder {
	d := new(struct {
		msgpack.Decoder
		raw bytes.Reader
	})
	d.raw.Reset(bytes.Clone(raw))
	d.Reset(&d.raw)
	return &d.Decoder
}

// decoderSize is what newDecoder allocates besides the copy.
const decoderSize = 192

// packWriter is a packer as an io.Writer and io.ByteWriter.
type packWriter packer

func (w *packWriter) Write(b []byte) (int, error) {
	w.buf = append(w.buf, b...)
	return len(b), nil
}

func (w *packWriter) WriteByte(c byte) error {
	w.buf = append(w.buf, c)
	return nil
}

// checkOne checks that exactly one value was written from start on. EncodeMulti,
// for one, writes several, whose end cannot be found without knowing the type.
func (e *packer) checkOne(start int) error {
	r := reader{data: e.buf[start:], depth: e.depth}
	if err := r.skip(); err != nil {
		return err
	}
	if r.pos != len(r.data) {
		return errManyValues
	}
	return nil
}
