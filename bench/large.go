package bench

import (
	"encoding/gob"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// large are sessions that are hard on a codec: many elements, large maps, maps of
// any, long texts. They are measured in memory only, where what a
// library itself costs is not hidden by a disk or a server.
var large = []Session{
	Sample[Cart]{
		Size: "cart", Large: true, Value: newCart(200),
		Read:   func(s *Cart) string { return s.User },
		Change: func(s *Cart) { s.Items[7].Count++ },
	},
	perms("perms", 20),
	perms("perms100", 100),
	Sample[Loose]{
		Size: "loose", Large: true, Value: newLoose(),
		Read:   func(s *Loose) string { v, _ := s.Values["name"].(string); return v },
		Change: func(s *Loose) { s.Values["times"] = integer(s.Values["times"]) + 1 },
	},
	longText("long4k", 4<<10),
	longText("long60k", 60_000),
}

// Cart is a slice of structs, of 18 KB.
type Cart struct {
	User  string
	Items []CartItem
}

// CartItem is an article in a [Cart].
type CartItem struct {
	Article, Title string
	Count          int
	Cents          int64
	Added          time.Time
}

func newCart(items int) Cart {
	c := Cart{User: "u-4711"}
	at := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	for i := range items {
		c.Items = append(c.Items, CartItem{
			Article: fmt.Sprintf("article-%04d", i), Title: "Article with a title " + strings.Repeat("x", i%9),
			Count: 1 + i%3, Cents: int64(995 + 100*i), Added: at.Add(time.Duration(i) * time.Minute),
		})
	}
	return c
}

// Perms has a user's permissions, in large maps.
type Perms struct {
	User                                         string
	Times                                        int
	Read, Write, Delete, Share, Approve, Publish map[string]bool
}

func perms(name string, entries int) Session {
	p := Perms{User: "u-4711"}
	for i, m := range []*map[string]bool{&p.Read, &p.Write, &p.Delete, &p.Share, &p.Approve, &p.Publish} {
		*m = map[string]bool{}
		for j := range entries {
			(*m)[fmt.Sprintf("project-%05d", (i+1)*7919*j%100_000)] = j%3 == 0
		}
	}
	return Sample[Perms]{
		Size: name, Large: true, Value: p,
		Read:   func(s *Perms) string { return s.User },
		Change: func(s *Perms) { s.Times++; s.Share["project-00000"] = s.Times%2 == 0 },
	}
}

// Loose is a map of anything, with 40 entries.
type Loose struct{ Values map[string]any }

func newLoose() Loose {
	gob.Register(map[string]any{})
	gob.Register([]any{})
	values := map[string]any{
		"name": "Ann Example", "times": 41, "admin": true, "rate": 0.25,
		"roles": []any{"reader", "writer"}, "filter": map[string]any{"page": 3, "sort": "name", "open": true},
	}
	for i := range 20 {
		values[fmt.Sprintf("text-%02d", i)] = strings.Repeat("x", 10+i)
	}
	for i := range 14 {
		values[fmt.Sprintf("number-%02d", i)] = i * 97
	}
	return Loose{values}
}

// integer returns v, whatever integer or float type a codec made of it.
func integer(v any) int64 {
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return r.Int()
	case r.CanUint():
		return int64(r.Uint())
	default:
		return int64(r.Float())
	}
}

// Long is a text, such as a draft.
type Long struct {
	User  string
	Times int
	Draft string
}

func longText(name string, bytes int) Session {
	const words = "It was a bright cold day in April, and the clocks were striking thirteen. "
	return Sample[Long]{
		Size: name, Large: true, Value: Long{User: "u-4711", Draft: strings.Repeat(words, bytes/len(words)+1)[:bytes]},
		Read:   func(s *Long) string { return s.User },
		Change: func(s *Long) { s.Times++ },
	}
}
