package codectest

import (
	"bytes"
	"reflect"

	"github.com/sesame-go/sesame/codec"
)

// lend gives the holders in v the bytes of data in which their content is found.
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

// lendsData gives methods a part of data.
type lendsData struct{ good }

func (lendsData) Decode(data []byte, v any) error {
	err := codec.MsgPack.Decode(data, v)
	lend(data, v)
	return err
}

// lendsShared does so for those who keep data.
type lendsShared struct{ good }

func (lendsShared) DecodeShared(data []byte, v any) (exact bool, err error) {
	return false, lendsData{}.Decode(data, v)
}

// lendsCopy gives all methods parts of one copy.
type lendsCopy struct{ good }

func (lendsCopy) Decode(data []byte, v any) error { return lendsData{}.Decode(bytes.Clone(data), v) }

// copiesOnce is encoding/json with a copy of data, one for all methods.
type copiesOnce struct{ plainJSON }

func (c copiesOnce) Decode(data []byte, v any) error { return c.plainJSON.Decode(bytes.Clone(data), v) }

// keepsReturned writes no copy of what methods return.
type keepsReturned struct{ good }

func (keepsReturned) Append(dst []byte, v any) ([]byte, error) {
	data, err := codec.MsgPack.Append(dst, v)
	lend(data, v)
	return data, err
}
