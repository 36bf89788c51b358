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
)

// An input is a call and its arguments.
type input struct {
	op      op
	key     int
	version uint64 // save
	value   uint64 // save; unique for each call
	expires int64  // save, touch; seconds after some time
}

// An output is the result of a call. A call is refused if it returns ErrNotFound or
// ErrConflict.
type output struct {
	refused bool
	version uint64 // load, save
	value   uint64 // load
	expires int64  // load
}

func (in input) String() string {
	return [...]string{
		load:   fmt.Sprintf("load %d", in.key),
		save:   fmt.Sprintf("save %d version %d value %x expires %d", in.key, in.version, in.value, in.expires),
		touch:  fmt.Sprintf("touch %d expires %d", in.key, in.expires),
		remove: fmt.Sprintf("delete %d", in.key),
	}[in.op]
}

func (out output) String() string {
	if out.refused {
		return "refused"
	}
	return fmt.Sprintf("version %d value %x expires %d", out.version, out.value, out.expires)
}

// A cell is the state of a key. The store chooses versions, so the model learns
// them from the answers. A touch may change the version without returning it: the
// cell is then vague until a load or a save returns the version.
type cell struct {
	version uint64 // 0 if there is no record
	vague   bool
	value   uint64
	expires int64
}

// model returns the model of a store without concurrency. Each key has a separate
// history, because no call uses two keys.
func model(touchKeeps bool) porcupine.Model {
	return porcupine.Model{
		Partition: byKey,
		Init:      func() any { return cell{} },
		Step: func(state, in, out any) (bool, any) {
			c := state.(cell)
			ok := c.step(in.(input), out.(output), touchKeeps)
			return ok, c
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%v: %v", in, out) },
	}
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
func (c *cell) step(in input, out output, touchKeeps bool) bool {
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
		if !c.has(in.version) || out.version == 0 {
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
	}
	return false
}

// has reports whether v can be the version of the record under the key.
func (c *cell) has(v uint64) bool {
	if c.version == 0 {
		return v == 0
	}
	return v == c.version || c.vague && v != 0
}

// mayRefuse reports whether a save with version v may return ErrConflict.
func (c *cell) mayRefuse(v uint64) bool { return v != c.version || c.vague }

// repeats returns a version that two saves of one key returned, or 0.
func repeats(history []porcupine.Operation) uint64 {
	type use struct {
		key     int
		version uint64
	}
	seen := make(map[use]bool)
	for _, o := range history {
		in, out := o.Input.(input), o.Output.(output)
		if in.op != save || out.refused {
			continue
		}
		u := use{in.key, out.version}
		if seen[u] {
			return u.version
		}
		seen[u] = true
	}
	return 0
}
