//go:build !race

package codec_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sesame-go/sesame/codec"
)

// TestGuideHostile: a guide that lies costs no more than reading it a few times.
func TestGuideHostile(t *testing.T) {
	text := strings.Repeat("x", 40)
	deep := any("innermost")
	for range 480 {
		m := map[string]any{"z": deep}
		for i := range 10 {
			m[fmt.Sprintf("k%d", i)] = text
		}
		deep = m
	}
	type box struct{ V any }
	nested := encoded(t, &box{deep})

	type node struct {
		M    map[string]string
		Next *node
	}
	var list *node
	for range 480 {
		list = &node{M: map[string]string{"a": text, "b": text, "c": text, "d": text}, Next: list}
	}

	type wide struct{ M map[string]int }
	numbers, descending := wide{map[string]int{}}, ""
	for i := range 2000 {
		numbers.M[fmt.Sprintf("%05d", i)] = i
		descending = fmt.Sprintf("\xa5%05d\x01", i) + descending
	}

	for name, c := range map[string]struct {
		v    any
		like []byte
	}{
		"intact, but deep":                 {&box{deep}, nested},
		"at each level a key is gone":      {&box{deep}, bytes.ReplaceAll(nested, []byte("\xa2k0"), []byte("\xa2j0"))},
		"the last key of each":             {&box{deep}, bytes.ReplaceAll(nested, []byte("\xa1z"), []byte("\xa1y"))},
		"the innermost value is cut off":   {&box{deep}, bytes.ReplaceAll(nested, []byte("innermost"), []byte("inner"))},
		"keys twice":                       {&numbers, []byte("\x81\xa1M\xde\xff\xff" + strings.Repeat("\xa500001\x01", 0xffff))},
		"unknown keys":                     {&numbers, []byte("\x81\xa1M\xde\xff\xff" + strings.Repeat("\xa5x0001\x01", 0xffff))},
		"keys in descending order":         {&numbers, []byte("\x81\xa1M\xde\x07\xd0" + descending)},
		"a field is not where it ought to": {list, []byte("\x82\xa4Next" + strings.Repeat("\x82\xa1X\xc0\xa4Next", 480) + "\xdc\x3f\xff" + strings.Repeat("\x90", 0x3fff))},
	} {
		checkLike(t, c.v, c.like)
		buf := make([]byte, 0, 1<<20)
		without := best(func() { _, _ = codec.MsgPack.Append(buf, c.v) })
		with := best(func() { _, _ = codec.MsgPack.(codec.LikeAppender).AppendLike(buf, c.v, c.like) })
		t.Logf("%s: %s, without %s", name, with, without)
		if with > 15*without {
			t.Errorf("%s: it takes %.1f times as long", name, float64(with)/float64(without))
		}
	}
}

// best returns the shortest of some runs.
func best(f func()) time.Duration {
	shortest := time.Hour
	for range 9 {
		start := time.Now()
		f()
		shortest = min(shortest, time.Since(start))
	}
	return shortest
}
