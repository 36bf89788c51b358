package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/sesame-go/sesame/store"
)

// dataCases are about what records and keys are made of.
var dataCases = []testCase{
	{
		name:        "alias-save",
		explanation: "the store keeps its own copy of Data: what the caller does to the slice after Save changes no record",
		f: func(x *trial) {
			k, r := x.key(), record("original")
			v := x.create(k, r)
			clear(r.Data)
			x.contains(k, "original")

			r.Version, r.Data = v, append(r.Data[:0], "replaced"...)
			x.save(k, r)
			clear(r.Data)
			x.contains(k, "replaced")
		},
	},
	{
		name:        "alias-load",
		explanation: "what Load returns belongs to the caller, who may change it and append to it without changing the record or what others have loaded",
		f: func(x *trial) {
			k, r := x.key(), record("original")
			x.create(k, r)
			first, second := x.load(k), x.load(k)
			clear(first.Data)
			_ = append(first.Data, "and more"...)
			x.same(second, r)
			x.holds(k, r)
		},
	},
	{
		name:        "alias-retained",
		explanation: "what Load returned stays as it was when the record is written anew, deleted or followed by others",
		f: func(x *trial) {
			k, r := x.key(), record("original")
			x.create(k, r)
			kept := x.load(k)
			next := kept
			for i := range 20 {
				next.Data = fmt.Appendf(nil, "another%d", i%2)
				next.Version = x.save(k, next)
			}
			x.same(kept, r)
			x.delete(k)
			x.creates(50, func(int) store.Record { return record("somebody") })
			x.same(kept, r)
		},
	},
	{
		name:        "data-empty",
		explanation: "a record without data is a record",
		f: func(x *trial) {
			for _, data := range [][]byte{nil, {}} {
				k, r := x.key(), record("")
				r.Data = data
				r.Version = x.create(k, r)
				x.holds(k, r)
				r.Data = []byte("data")
				r.Version = x.save(k, r)
				r.Data = data
				x.save(k, r)
				x.holds(k, r)
			}
		},
	},
	{
		name:        "data-bytes",
		explanation: "Data is opaque: every byte value comes back, be it valid UTF-8 or not",
		f: func(x *trial) {
			every := make([]byte, 256)
			for i := range every {
				every[i] = byte(i)
			}
			for _, data := range []string{
				string(every), "\x00", "\x00data", "data\x00", "\r\n", " data ", "\xff\xfe", "\xc3\x28",
				"\xef\xbb\xbfdata", `\x41`, `'"; --`, "%s%d", "null", "0", "\U0001f36a",
			} {
				k, r := x.key(), record(data)
				x.create(k, r)
				x.holds(k, r)
			}
		},
	},
	{
		name:        "data-big",
		explanation: "a megabyte of data is stored and comes back unchanged, and a smaller record in its place has nothing left of it",
		f: func(x *trial) {
			k, r := x.key(), record("")
			r.Data = make([]byte, 1<<20)
			for i := range r.Data {
				r.Data[i] = byte(i ^ i>>8 ^ i>>16)
			}
			r.Version = x.create(k, r)
			x.holds(k, r)
			r.Data = []byte("small")
			r.Version = x.save(k, r)
			x.holds(k, r)
			r.Data = bytes.Repeat([]byte{0xa5}, 1<<16)
			x.save(k, r)
			x.holds(k, r)
		},
	},
	{
		name:        "keys",
		explanation: "all 32 bytes of a key count, whatever they are and whatever they look like in the form in which the store writes them",
		f: func(x *trial) {
			keys := hostileKeys()
			for i, k := range keys {
				x.missing(k)
				x.create(k, record(fmt.Sprint(i)))
			}
			for i, k := range keys {
				if r := x.load(k); string(r.Data) != fmt.Sprint(i) {
					x.fatalf("Load of key %x returned the record of another", k)
				}
			}
			for i, k := range keys {
				x.delete(k)
				x.missing(k)
				if i+1 < len(keys) {
					x.load(keys[i+1])
				}
			}
		},
	},
	{
		name:        "owner-bytes",
		explanation: "Owner is up to 255 arbitrary bytes, which come back unchanged",
		f: func(x *trial) {
			for _, owner := range hostileOwners() {
				k, r := x.key(), record("data")
				r.Owner = owner
				x.create(k, r)
				x.holds(k, r)
			}
		},
	},
	{
		name:        "owner-too-long",
		explanation: "an owner of more than 255 bytes is an error, neither ErrConflict nor ErrNotFound, and nothing is stored",
		f: func(x *trial) {
			long := record("long")
			long.Owner = strings.Repeat("o", store.MaxOwner+1)
			refused := func(err error) {
				x.Helper()
				if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
					x.fatalf("Save with an owner of %d bytes: got %v, want an error that says so", len(long.Owner), err)
				}
			}
			k := x.key()
			_, err := x.s.Save(x.ctx, k, long)
			refused(err)
			x.missing(k)

			r := record("short")
			long.Version = x.create(k, r)
			_, err = x.s.Save(x.ctx, k, long)
			refused(err)
			x.holds(k, r)
		},
	},
}

// hostileKeys returns different keys that a careless store may take for one
// another, or trip over.
func hostileKeys() []store.Key {
	var zero, ones, letters store.Key
	for i := range ones {
		ones[i] = 0xff
		letters[i] = "abcdefgh"[i%8]
	}
	keys := []store.Key{zero, ones, letters}
	for bit := range 8 * len(zero) {
		k := letters
		k[bit/8] ^= 1 << (bit % 8)
		keys = append(keys, k)
	}
	for _, s := range []string{
		"*", "?", "[a-z]", "%", "_", "'", "\"", "`", "\\", "/", "../", "\n", "\r\n", " ", "{}", ":", ".",
		"\xc3\xa9", "e\xcc\x81",
	} {
		var k store.Key
		for i := range k {
			k[i] = s[i%len(s)]
		}
		keys = append(keys, k)
	}
	// These differ in the case of letters only, once they are in base64.
	for _, s := range []string{"b", "B", "k", "K"} {
		k, err := store.ParseKey(strings.Repeat(s, 42) + "A")
		if err != nil {
			panic(err)
		}
		keys = append(keys, k)
	}
	return keys
}

// hostileOwners returns different owners that a careless store may take for
// one another, or trip over.
func hostileOwners() []string {
	every := make([]byte, store.MaxOwner)
	for i := range every {
		every[i] = byte(i)
	}
	long := strings.Repeat("o", store.MaxOwner)
	return []string{
		"ann", "Ann", "ANN", "ann ", " ann", "ann\x00", "ann\n", "\x00", "\x00ann", "ann:bob", "ann/bob", "../ann",
		"a", "A", "\u00e1", "a\u0301", "\xe1", "\xff", "*", "a*", "%", "a%", "_nn", "'", "\"", "{ann}", "0", "00",
		long, long[1:], strings.ToUpper(long), string(every),
	}
}
