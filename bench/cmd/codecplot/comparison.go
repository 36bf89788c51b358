package main

import (
	"errors"
	"fmt"

	"github.com/sesame-go/sesame/bench/internal/results"
)

// comparison is what was measured of each codec.
type comparison struct {
	codecs           []measured
	count            int     // of runs, of which these are the best
	spread           float64 // of the times, at most: how much longer the slowest run took
	machine, command string
}

type measured struct {
	name          string
	small, medium session
}

// session is what a session of one size has come to.
type session struct {
	bytes, canonical           float64
	encode, decode             float64 // in µs
	encodeAllocs, decodeAllocs float64
}

// titles are what codecs are called in print, with a mark for those that are
// not sesame's.
var titles = map[string]string{
	"msgpack":        "MsgPack",
	"json":           "JSON",
	"gob":            "Gob",
	"cbor":           "CBOR",
	"msgpack-v5":     "msgpack/v5 itself",
	"msgp-generated": "msgp, generated",
}

func (m measured) title() string {
	if t := titles[m.name]; t != "" {
		return t
	}
	return m.name
}

const benchmark = "Codecs"

func compare(set *results.Set) (*comparison, error) {
	c := &comparison{count: set.Count()}
	for _, name := range set.LabelValues(benchmark, "codec") {
		m := measured{name: name}
		for size, s := range map[string]*session{"small": &m.small, "medium": &m.medium} {
			for op, to := range map[string]*[2]*float64{
				"encode": {&s.encode, &s.encodeAllocs},
				"decode": {&s.decode, &s.decodeAllocs},
			} {
				labels := []string{"codec=" + name, "size=" + size, "op=" + op}
				for unit, v := range map[string]*float64{"ns/op": to[0], "allocs/op": to[1], "bytes": &s.bytes, "canonical": &s.canonical} {
					var ok bool
					if *v, ok = set.Least(benchmark, unit, labels...); !ok {
						return nil, fmt.Errorf("there is no %s for %v: run the whole benchmark", unit, labels)
					}
				}
				*to[0] /= 1000
				c.spread = max(c.spread, set.Spread(benchmark, "ns/op", labels...))
			}
		}
		c.codecs = append(c.codecs, m)
	}
	if len(c.codecs) == 0 {
		return nil, errors.New("no results of BenchmarkCodecs to read")
	}
	return c, nil
}
