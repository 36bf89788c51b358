package codectest

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strconv"
	"testing"

	"github.com/sesame-go/sesame/codec"
)

// good is a correct codec; each broken codec embeds it and adds one fault.
type good struct{}

func (good) ID() byte                                 { return 200 }
func (good) Append(dst []byte, v any) ([]byte, error) { return codec.MsgPack.Append(dst, v) }
func (good) Decode(data []byte, v any) error          { return codec.MsgPack.Decode(data, v) }

// plainGob is encoding/gob as it is: it encodes maps in random order, and its type
// numbers depend on what the process has encoded before.
type plainGob struct{ good }

func (plainGob) Append(dst []byte, v any) ([]byte, error) {
	buf := bytes.NewBuffer(dst)
	err := gob.NewEncoder(buf).Encode(v)
	return buf.Bytes(), err
}

func (plainGob) Decode(data []byte, v any) error {
	return gob.NewDecoder(bytes.NewReader(data)).Decode(v)
}

// plainJSON is encoding/json as it is.
type plainJSON struct{ good }

func (plainJSON) Append(dst []byte, v any) ([]byte, error) {
	data, err := json.Marshal(v)
	return append(dst, data...), err
}

func (plainJSON) Decode(data []byte, v any) error { return json.Unmarshal(data, v) }

type strictJSON struct{ plainJSON }

func (strictJSON) Decode(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

type noID struct{ good }

func (noID) ID() byte { return 0 }

type restlessID struct {
	good
	id *byte
}

func (c restlessID) ID() byte { *c.id++; return *c.id }

type uncritical struct{ good }

func (uncritical) Check(reflect.Type) error { return nil }

type vague struct{ good }

func (vague) Check(t reflect.Type) error {
	if codec.MsgPack.(codec.Checker).Check(t) != nil {
		return os.ErrInvalid
	}
	return nil
}

type hushes struct{ good }

func (hushes) Append(dst []byte, v any) ([]byte, error) {
	if data, err := codec.MsgPack.Append(dst, v); err == nil {
		return data, nil
	}
	return append(dst, 0x80), nil
}

type forgetful struct{ good }

func (forgetful) Decode(data []byte, v any) error {
	err := codec.MsgPack.Decode(data, v)
	if e, ok := v.(*Everything); ok {
		e.ByInt = nil
	}
	return err
}

type shifty struct{ good }

func (shifty) Append(dst []byte, v any) ([]byte, error) {
	data, err := codec.MsgPack.Append(dst, v)
	return append(data, byte(os.Getpid()), byte(os.Getpid()>>8)), err
}

func (shifty) Decode(data []byte, v any) error { return codec.MsgPack.Decode(data[:len(data)-2], v) }

type overwrites struct{ good }

func (overwrites) Append(dst []byte, v any) ([]byte, error) { return codec.MsgPack.Append(dst[:0], v) }

type ignoresDst struct{ good }

func (ignoresDst) Append(dst []byte, v any) ([]byte, error) { return codec.MsgPack.Append(nil, v) }

type wasteful struct{ good }

func (wasteful) Append(dst []byte, v any) ([]byte, error) {
	return codec.MsgPack.Append(bytes.Clone(dst), v)
}

type sharesBuffer struct {
	good
	buf *[]byte
}

func (c sharesBuffer) Append(dst []byte, v any) (_ []byte, err error) {
	if dst != nil {
		return codec.MsgPack.Append(dst, v)
	}
	*c.buf, err = codec.MsgPack.Append((*c.buf)[:0], v)
	return *c.buf, err
}

type aliases struct{ good }

func (aliases) Decode(data []byte, v any) error {
	err := codec.MsgPack.Decode(data, v)
	if e, ok := v.(*Everything); ok && len(e.Bytes) > 0 {
		if i := bytes.Index(data, e.Bytes); i >= 0 {
			e.Bytes = data[i : i+len(e.Bytes)]
		}
	}
	return err
}

type certain struct{ good }

func (c certain) DecodeShared(data []byte, v any) (codec.Found, error) {
	return codec.Found{Exact: true}, c.Decode(data, v)
}

type halfway struct{ good }

func (halfway) DecodeShared(data []byte, v any) (codec.Found, error) {
	return codec.Found{}, forgetful{}.Decode(data, v)
}

type finicky struct{ good }

func (c finicky) DecodeShared(data []byte, v any) (codec.Found, error) {
	if err := c.Decode(data, v); err != nil {
		return codec.Found{}, err
	}
	if again, err := c.Append(nil, v); err != nil || !bytes.Equal(again, data) {
		return codec.Found{}, os.ErrInvalid
	}
	return codec.Found{Exact: true}, nil
}

type scribbles struct{ good }

func (c scribbles) DecodeShared(data []byte, v any) (codec.Found, error) {
	defer clear(data)
	return codec.Found{}, c.Decode(data, v)
}

type repeats struct{ good }

func (c repeats) AppendLike(dst []byte, v any, like []byte) ([]byte, error) {
	if len(like) > 0 && c.Decode(like, fresh(v)) == nil {
		return append(dst, like...), nil
	}
	return c.Append(dst, v)
}

type gullible struct{ good }

func (c gullible) AppendLike(dst []byte, v any, like []byte) ([]byte, error) {
	if err := c.Decode(like, fresh(v)); err != nil {
		return dst, err
	}
	return c.Append(dst, v)
}

type scrawls struct{ good }

func (c scrawls) AppendLike(dst []byte, v any, like []byte) ([]byte, error) {
	defer clear(like)
	return c.Append(dst, v)
}

type remembers struct {
	good
	last *map[string]int
}

func (c remembers) Decode(data []byte, v any) error {
	err := codec.MsgPack.Decode(data, v)
	if e, ok := v.(*Everything); ok {
		if e.Counts == nil {
			e.Counts = *c.last
		}
		*c.last = e.Counts
	}
	return err
}

type panics struct{ good }

func (panics) Decode(data []byte, v any) error {
	if err := codec.MsgPack.Decode(data, v); err != nil {
		panic(err)
	}
	return nil
}

type trustsLengths struct{ good }

func (trustsLengths) Decode(data []byte, v any) error {
	if i := bytes.Index(data, []byte{0xff, 0xff, 0xff}); i > 0 {
		sink = make([]byte, binary.BigEndian.Uint32(append([]byte{0}, data[i:i+3]...)))
	}
	return codec.MsgPack.Decode(data, v)
}

var sink []byte

type ignoresRest struct{ good }

func (ignoresRest) Decode(data []byte, v any) error {
	for n := len(data); n > 0; n-- {
		if codec.MsgPack.Decode(data[:n], v) == nil {
			return nil
		}
	}
	return codec.MsgPack.Decode(data, v)
}

type descends struct{ good }

func (descends) Decode(data []byte, v any) error {
	if bytes.Count(data, []byte("[")) > 1000 {
		var deep any
		for range data {
			deep = []any{deep}
		}
		_ = deep
	}
	return codec.MsgPack.Decode(data, v)
}

// carriers keep unknown fields as MsgPack does, each with one fault.
type carriers struct{ good }

func (carriers) DecodeShared(data []byte, v any) (codec.Found, error) {
	return codec.MsgPack.(codec.Carrier).DecodeShared(data, v)
}

func (carriers) Carry(t reflect.Type, written, stored []byte) ([]byte, []string) {
	return codec.MsgPack.(codec.Carrier).Carry(t, written, stored)
}

type blind struct{ carriers }

func (blind) DecodeShared(data []byte, v any) (codec.Found, error) {
	return codec.Found{}, codec.MsgPack.Decode(data, v)
}

type drops struct{ carriers }

func (drops) Carry(_ reflect.Type, written, _ []byte) ([]byte, []string) { return written, nil }

type silent struct{ carriers }

func (c silent) Carry(t reflect.Type, written, stored []byte) ([]byte, []string) {
	extended, _ := c.carriers.Carry(t, written, stored)
	return extended, nil
}

type prefersOld struct{ carriers }

func (prefersOld) Carry(_ reflect.Type, _, stored []byte) ([]byte, []string) { return stored, nil }

type mute struct{ good }

func (mute) Decode(data []byte, v any) error {
	if codec.MsgPack.Decode(data, v) != nil {
		return os.ErrInvalid
	}
	return nil
}

// hides returns no error for a field that it cannot decode.
type hides struct{ good }

func (hides) Decode(data []byte, v any) error {
	_ = codec.MsgPack.Decode(data, v)
	return nil
}

// gossips quotes the errors of UnmarshalBinary and similar methods.
type gossips struct{ good }

func (gossips) Decode(data []byte, v any) error {
	err := codec.MsgPack.Decode(data, v)
	if refused := choosyError(""); errors.As(err, &refused) {
		return fmt.Errorf("%w: %w", err, refused)
	}
	return err
}

var zoo = []struct {
	codec  codec.Codec
	broken string // the case that must fail
}{
	{noID{}, "id"},
	{restlessID{id: new(byte)}, "id"},
	{uncritical{}, "check"},
	{vague{}, "check"},
	{hushes{}, "refuse"},
	{forgetful{}, "round-trip"},
	{plainJSON{}, "round-trip"}, // large integers in any
	{plainGob{}, "canonical"},
	{plainGob{}, "processes"},
	{shifty{}, "processes"},
	{overwrites{}, "append"},
	{ignoresDst{}, "append"},
	{wasteful{}, "append"},
	{sharesBuffer{buf: new([]byte)}, "append"},
	{aliases{}, "alias"},
	{certain{}, "shared"},
	{halfway{}, "shared"},
	{finicky{}, "shared"},
	{scribbles{}, "shared"},
	{repeats{}, "like"},
	{gullible{}, "like"},
	{scrawls{}, "like"},
	{lendsData{}, "methods"},
	{lendsShared{}, "methods"},
	{lendsTwice{}, "methods"},
	{plainJSON{}, "methods"},
	{keepsReturned{}, "methods"},
	{remembers{last: new(map[string]int)}, "fresh"},
	{strictJSON{}, "evolution"},
	{blind{}, "carry"},
	{drops{}, "carry"},
	{silent{}, "carry"},
	{prefersOld{}, "carry"},
	{panics{}, "corrupt"},
	{trustsLengths{}, "lengths"},
	{descends{}, "deep"},
	{plainGob{}, "deep"},
	{mute{}, "fields"},
	{hides{}, "fields"},
	{gossips{}, "fields"},
	{plainJSON{}, "fields"},
	{ignoresRest{}, "trailing"},
	{plainGob{}, "trailing"},
}

func TestBrokenCodecsAreCaught(t *testing.T) {
	for i, animal := range zoo {
		t.Run(strconv.Itoa(i)+"/"+reflect.TypeOf(animal.codec).Name()+"/"+animal.broken, func(t *testing.T) {
			for _, tc := range cases {
				if tc.name != animal.broken {
					continue
				}
				r := &report{test: t.Name(), canonical: true, hardened: true}
				tc.check(r, animal.codec)
				if len(r.failures) == 0 {
					t.Errorf("%T passes the case %q", animal.codec, tc.name)
				}
				for _, f := range r.failures[:min(1, len(r.failures))] {
					t.Logf("%.300q", f)
				}
				return
			}
			t.Errorf("there is no case %q", animal.broken)
		})
	}
}

func TestSoundCodecPasses(t *testing.T) { Run(t, good{}) }

// rubbish writes to dst even if it returns an error, which a codec may do.
type rubbish struct{ good }

func (c rubbish) Append(dst []byte, v any) ([]byte, error) {
	if i, ok := v.(*Item); ok && i.Qty < 0 {
		return append(dst, byte(rand.Uint32())), errors.New("rubbish: negative")
	}
	return c.good.Append(dst, v)
}

func (c rubbish) DecodeShared(data []byte, v any) (codec.Found, error) {
	return codec.Found{}, c.Decode(data, v)
}

// terse encodes a zero value as no bytes.
type terse struct{ good }

func (c terse) Append(dst []byte, v any) ([]byte, error) {
	if reflect.ValueOf(v).Elem().IsZero() {
		return dst, nil
	}
	return c.good.Append(dst, v)
}

func (c terse) DecodeShared(data []byte, v any) (codec.Found, error) {
	return codec.Found{}, c.Decode(data, v)
}

func TestSharedOfSoundCodecs(t *testing.T) {
	for _, c := range []codec.Codec{rubbish{}, terse{}} {
		r := &report{test: t.Name(), canonical: true, hardened: true}
		checkShared(r, c)
		if len(r.failures) > 0 {
			t.Errorf("%T: %q", c, r.failures[0])
		}
	}
}
