package codectest

import (
	"bytes"
	"reflect"

	"github.com/sesame-go/sesame/codec"
)

// lend sets each holder in v to the part of data that has its content.
func lend(data []byte, v any) {
	if reflect.TypeOf(v) != reflect.TypeOf(holders[Held]()) {
		return
	}
	for _, h := range held(v) {
		b := &h.(*Held).b
		if i := bytes.Index(data, *b); i >= 0 && len(*b) > 0 {
			*b = data[i : i+len(*b)]
		}
	}
}

// lendsData is a codec that gives methods a part of data.
type lendsData struct{ good }

func (lendsData) Decode(data []byte, v any) error {
	err := codec.MsgPack.Decode(data, v)
	lend(data, v)
	return err
}

// lendsShared does so in DecodeShared.
type lendsShared struct{ good }

func (lendsShared) DecodeShared(data []byte, v any) (codec.Found, error) {
	return codec.Found{}, lendsData{}.Decode(data, v)
}

// lendsTwice is a codec that gives two methods the same bytes.
type lendsTwice struct{ good }

func (lendsTwice) Decode(data []byte, v any) error {
	err := codec.MsgPack.Decode(data, v)
	if reflect.TypeOf(v) == reflect.TypeOf(holders[Held]()) {
		all := held(v)
		all[1].(*Held).b = all[0].(*Held).b
	}
	return err
}

// keepsReturned is a codec that does not copy what methods return.
type keepsReturned struct{ good }

func (keepsReturned) Append(dst []byte, v any) ([]byte, error) {
	data, err := codec.MsgPack.Append(dst, v)
	lend(data, v)
	return data, err
}
