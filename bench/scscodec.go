package bench

import (
	"fmt"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/vmihailenco/msgpack/v5"
)

// packed is scs with the fastest codec that a program could give it: the whole
// struct, encoded by msgpack/v5 without the names of types, instead of a gob of a
// map.
func (s Sample[T]) packed() (values, scs.Codec) { return s.spread(s.whole()), scsMsgPack[T]{} }

type scsMsgPack[T any] struct{}

type scsRecord[T any] struct {
	Deadline time.Time
	Session  *T              `msgpack:",omitempty"`
	Marks    map[string]bool `msgpack:",omitempty"` // of the scenario with ten requests
}

func (scsMsgPack[T]) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	r := scsRecord[T]{Deadline: deadline}
	for key, value := range values {
		switch v := value.(type) {
		case *T:
			r.Session = v
		case bool:
			if r.Marks == nil {
				r.Marks = make(map[string]bool)
			}
			r.Marks[key] = v
		default:
			return nil, fmt.Errorf("bench: %s is a %T", key, value)
		}
	}
	return msgpack.Marshal(&r)
}

func (scsMsgPack[T]) Decode(data []byte) (time.Time, map[string]any, error) {
	var r scsRecord[T]
	if err := msgpack.Unmarshal(data, &r); err != nil {
		return time.Time{}, nil, err
	}
	values := make(map[string]any, 1+len(r.Marks))
	if r.Session != nil {
		values[whole] = r.Session
	}
	for key, mark := range r.Marks {
		values[key] = mark
	}
	return r.Deadline, values, nil
}
