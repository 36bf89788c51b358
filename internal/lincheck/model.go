package lincheck

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

type op int

const (
	load op = iota
	save
	touch
	remove
	rotate
)

// An input is a call: what it asks for.
type input struct {
	op      op
	key     int
	to      int    // rotate
	version uint64 // save, rotate
	value   uint64 // save, rotate; no two calls have the same
	expires int64  // save, rotate, touch; seconds after some time
}

// An output is what a call returned. A call is refused that returns
// ErrNotFound or ErrConflict.
type output struct {
	refused bool
	version uint64 // load, save, rotate
	value   uint64 // load
	expires int64  // load
}

func (in input) String() string {
	return [...]string{
		load:   fmt.Sprintf("load %d", in.key),
		save:   fmt.Sprintf("save %d version %d value %x expires %d", in.key, in.version, in.value, in.expires),
		touch:  fmt.Sprintf("touch %d expires %d", in.key, in.expires),
		remove: fmt.Sprintf("delete %d", in.key),
		rotate: fmt.Sprintf("rotate %d to %d version %d value %x expires %d",
			in.key, in.to, in.version, in.value, in.expires),
	}[in.op]
}

func (out output) String() string {
	if out.refused {
		return "refused"
	}
	return fmt.Sprintf("version %d value %x expires %d", out.version, out.value, out.expires)
}

// A cell is what there is under a key. The version is the store's choice, so
// the model learns it from the answers. After a touch it may be another, which
// nobody has been told: the cell is vague until a load or a save tells it.
type cell struct {
	version uint64 // 0 if there is no record
	vague   bool
	value   uint64
	expires int64
}

// state is the whole store. Checking key by key, it has one cell in use.
type state [keyCount]cell

// model returns what a store without concurrency may answer. Without rotate
// each key is a history of its own, which is checked much faster.
func model(touchKeeps, rotate bool) porcupine.Model {
	m := porcupine.Model{
		Init: func() any { return state{} },
		Step: func(s, in, out any) (bool, any) {
			st := s.(state)
			ok := st.step(in.(input), out.(output), touchKeeps)
			return ok, st
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%v: %v", in, out) },
	}
	if !rotate {
		m.Partition = byKey
	}
	return m
}

func byKey(history []porcupine.Operation) [][]porcupine.Operation {
	parts := make([][]porcupine.Operation, keyCount)
	for _, o := range history {
		k := o.Input.(input).key
		parts[k] = append(parts[k], o)
	}
	return parts
}

// step makes the call and reports whether the answer is right.
func (s *state) step(in input, out output, touchKeeps bool) bool {
	c := &s[in.key]
	switch in.op {
	case load:
		if out.refused || c.version == 0 {
			return out.refused && c.version == 0
		}
		if !c.has(out.version) || out.value != c.value || out.expires != c.expires {
			return false
		}
		c.version, c.vague = out.version, false
		return true
	case save:
		if out.refused {
			return c.mayRefuse(in.version)
		}
		if !c.has(in.version) || out.version == 0 || out.version == in.version {
			return false
		}
		*c = cell{version: out.version, value: in.value, expires: in.expires}
		return true
	case touch:
		if c.version != 0 && in.expires > c.expires {
			c.expires = in.expires
			c.vague = c.vague || !touchKeeps
		}
		return true
	case remove:
		*c = cell{}
		return true
	case rotate:
		to := &s[in.to]
		free := to.version == 0
		if out.refused {
			return !free || c.version == 0 || c.mayRefuse(in.version)
		}
		if !free || c.version == 0 || !c.has(in.version) || out.version == 0 {
			return false
		}
		*c = cell{}
		*to = cell{version: out.version, value: in.value, expires: in.expires}
		return true
	}
	return false
}

// has reports whether v can be the version of what is under the key.
func (c *cell) has(v uint64) bool {
	if c.version == 0 {
		return v == 0
	}
	return v == c.version || c.vague && v != 0
}

// mayRefuse reports whether a save with version v may be a conflict.
func (c *cell) mayRefuse(v uint64) bool { return v != c.version || c.vague }
