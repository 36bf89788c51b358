package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// op is one command to an engine.
type op int

const (
	load op = iota
	save    // compare-and-swap of an existing record
	touch
	create
	remove
	index // the owner's list
	ops
)

var opNames = [ops]string{"load", "save", "touch", "create", "remove", "index"}

func (o op) String() string { return opNames[o] }
func (o op) writes() bool   { return o != load }

// param is a figure that the simulation rests on. Its source is "measured", or
// the word "model" if it is a choice or an estimate.
type param struct {
	name, unit string
	value      float64
	source     string
}

type engine struct {
	name       string
	sharded    bool // sessions are spread over nodes that share nothing
	memory     bool // sessions have to fit into memory
	ttl        bool // the engine drops expired sessions by itself
	wal        bool // writes go through one write-ahead log, whose size is known
	pipelined  bool // DeleteOwned removes one by one, in pipelines
	touchLoads bool // no touch without the data: load, save
	params     []param
}

func (e *engine) get(name string) float64 {
	for _, p := range e.params {
		if p.name == name {
			return p.value
		}
	}
	panic("scale: engine " + e.name + " has no parameter " + name)
}

// set changes parameters: "load=12,save=20.5".
func (e *engine) set(assignments string) error {
	if assignments == "" {
		return nil
	}
	for a := range strings.SplitSeq(assignments, ",") {
		name, text, found := strings.Cut(a, "=")
		i := slices.IndexFunc(e.params, func(p param) bool { return p.name == name })
		value, err := strconv.ParseFloat(text, 64)
		switch {
		case !found:
			return fmt.Errorf("-set %q: use name=value", a)
		case i < 0:
			return fmt.Errorf("-set %s: %s has no such parameter, see -params", name, e.name)
		case err != nil || value < 0 || math.IsInf(value, 0) || math.IsNaN(value):
			return fmt.Errorf("-set %s: %q is not a number of at least 0", name, text)
		}
		e.params[i].value, e.params[i].source = value, "-set"
	}
	if e.get("cores") < 1 || e.get("partitions") < 1 {
		return errors.New("-set: cores and partitions are at least 1")
	}
	return nil
}

// bytes is what a session takes of an engine's memory or disk, with its share
// of the owner index.
func (e *engine) bytes(size, owned float64) float64 {
	if e.memory {
		return e.get("fixed") + sizeClass(size+13) + owned*e.get("owner")
	}
	if e.wal { // rows that fit into the four fifths of a page that fillfactor leaves
		perPage := math.Max(1, math.Floor(6530/(size+e.get("fixed"))))
		return 8192/perPage + e.get("owner")
	}
	return e.get("fixed") + size
}

// sizeClass is what jemalloc takes for n bytes: four classes to a doubling.
func sizeClass(n float64) float64 {
	step := math.Max(16, math.Exp2(math.Ceil(math.Log2(n))-3))
	return math.Ceil(n/step) * step
}

// traffic is the bytes that an operation sends and receives, without those of
// TCP/IP. What is no data is keys, lengths and names.
func (e *engine) traffic(o op, size float64) (up, down float64) {
	const words = 150
	switch o {
	case load:
		return words, size + 50
	case save, create:
		return words + 50 + size, 10
	default:
		return words, 10
	}
}

// logged is the bytes of write-ahead log of an operation, without page images.
// A warm update is one that changes no index.
func (e *engine) logged(o op, size float64, warm bool) float64 {
	if !e.wal || !o.writes() {
		return 0
	}
	n := e.get("wal")
	switch o {
	case save, create:
		n += size
	default: // touch, remove, index: no data
	}
	if !warm {
		n += e.get("wal-index")
	}
	return n
}

// engineNamed returns a copy of the engine that may be changed.
func engineNamed(name string) (*engine, error) {
	e, ok := engines()[name]
	if !ok {
		return nil, fmt.Errorf("-engine %q: use one of %s", name, strings.Join(engineNames(), ", "))
	}
	return e, nil
}

func engineNames() []string { return slices.Sorted(maps.Keys(engines())) }
