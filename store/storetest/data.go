package storetest

import (
	"bytes"
	"time"

	"github.com/sesame-go/sesame/store"
)

// dataCases are about Data.
var dataCases = []testCase{
	{
		name:        "data-kept",
		explanation: "Data is immutable: neither the slice that Load returned nor the one that Save was given changes when the record is saved again, touched, deleted or expires, or when other records are written. A store may share the slice or copy it, and must not write to it",
		f: func(x *trial) {
			// The audit checks all slices at the end of the case.
			x.forAWhile(10*brief, 2, 20, func(round int) {
				for i, n := range []int{1, 100, 4095, 4097, 5000, 20_000, 70_000} {
					k, r := x.key(), stored()
					r.Data = pattern(n, round+i)
					r.Version = x.create(k, r)
					kept := x.load(k)
					for j, m := range []int{n, n - 1, n / 2, n + 1, 2 * n} {
						next := r
						next.Data = pattern(m, round+i+j+1)
						next.Version = x.save(k, next)
						x.holds(k, next)
						x.create(x.key(), next)
						r = next
					}
					x.same(kept, store.Record{Expires: kept.Expires, Owner: "ann", Data: pattern(n, round+i)})
					x.touch(k, in(2*time.Hour))
					stale := r
					stale.Version, stale.Data = 0, pattern(n, 99)
					x.conflict(k, stale)
					if x.has[lister] && i == 0 {
						x.all()
					}
					switch {
					case x.has[ownerIndex] && i%2 == 0:
						x.owned("ann")
						x.deleteOwned(-1, "ann")
					default:
						x.delete(k)
					}
					x.missing(k)
					fresh := r
					fresh.Data = pattern(n, 98)
					x.create(k, fresh)
					x.holds(k, fresh)
				}
			})
		},
	},
	{
		name:        "data-kept-expired",
		explanation: "Data that Load returned does not change when the record expires and is swept",
		f: func(x *trial) {
			soon := x.alive(func(expires time.Time) {
				for i, n := range []int{100, 5000, 70_000} {
					k, r := x.key(), store.Record{Expires: expires, Data: pattern(n, i)}
					x.create(k, r)
					x.exists(k)
				}
			})
			x.pass(soon)
			if x.has[sweeper] {
				x.sweep(1000)
			}
			for i, n := range []int{100, 5000, 70_000} {
				k, r := x.key(), record("")
				r.Data = pattern(n, i+50)
				x.create(k, r)
				x.holds(k, r)
			}
		},
	},
	{
		name:        "data-empty",
		explanation: "a record without data is a record like any other, with its own version",
		f: func(x *trial) {
			for _, data := range [][]byte{nil, {}} {
				k, r := x.key(), stored()
				r.Data = data
				r.Version = x.create(k, r)
				x.remains(k, r)
				if x.has[counter] && x.count() == 0 {
					x.fatalf("Count does not count a record without data")
				}
				for _, v := range []uint64{0, r.Version + 1} {
					other := r
					other.Version = v
					x.conflict(k, other)
				}
				x.remains(k, r)
				stale := r.Version
				r.Data = []byte("data")
				r.Version = x.save(k, r)
				r.Data = data
				r.Version = x.save(k, r)
				x.remains(k, r)
				other := r
				other.Version = stale
				x.conflict(k, other)
				r.Expires = in(2 * time.Hour)
				x.touch(k, r.Expires)
				x.holds(k, r)
			}
		},
	},
	{
		name:        "data-bytes",
		explanation: "Data is opaque: every byte sequence comes back unchanged, whether it is valid UTF-8 or not, and even if it has a meaning in the engine's language or format",
		f: func(x *trial) {
			every := make([]byte, 256)
			for i := range every {
				every[i] = byte(i)
			}
			for _, data := range []string{
				string(every), "\x00", "\x00data", "data\x00", "da\x00ta", "\x00\x00", "\r\n", "\r", "\n", "\t", " data ", " ", "\x1a",
				"\xff\xfe", "\xc3\x28", "\xef\xbb\xbfdata", "\xef\xbf\xbd", "\u2028", "\U0001f36a", "\u00e9", "e\u0301",
				`\`, `\\`, `\\\`, `\\\\`, `a\\b`, `\x41`, `\u0041`, `\n`, `\0`, `\'`, `\"`,
				`'`, `''`, `"`, `""`, "`", `'"; --`, "/*", "%", "%%", "%s%d", "%25", "%00", "$1", "$$", "{{.}}", "{}", "[]",
				"&amp;", "<>", "]]>", "+", "a+b=c&d", "\x1f\x8b\x08", "(\xb5/\xfd", "\x78\x9c", "BZh", "=", "====", "null", "nil", "NULL", "true", "0", "00", "-1", "1e3", "0x10", "NaN",
			} {
				k, r := x.key(), record(data)
				r.Version = x.create(k, r)
				x.holds(k, r)
				r.Data = []byte(data + data)
				r.Version = x.save(k, r)
				x.holds(k, r)
			}
		},
	},
	{
		name:        "data-pairs",
		explanation: "every pair of bytes comes back unchanged: no sequence is an escape, a terminator or a line break",
		f: func(x *trial) {
			k, r := x.key(), record("")
			for i := range 256 {
				for j := i; j < 256; j++ {
					r.Data = append(r.Data, byte(i), byte(j))
				}
			}
			x.create(k, r)
			x.holds(k, r)
		},
	},
	{
		name:        "data-sizes",
		explanation: "data of any length comes back complete, also at the bounds of length fields and blocks",
		f: func(x *trial) {
			k, r := x.key(), record("")
			r.Version = x.create(k, r)
			for i, n := range []int{1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64} {
				r.Data = pattern(n, i)
				r.Version = x.save(k, r)
				x.holds(k, r)
			}
			for p := 7; p <= 16; p++ {
				for _, n := range []int{1<<p - 1, 1 << p, 1<<p + 1} {
					r.Data = pattern(n, p)
					r.Version = x.save(k, r)
					x.holds(k, r)
				}
			}
		},
	},
	{
		name:        "data-big",
		explanation: "a megabyte of data comes back unchanged, and a smaller record that replaces it contains none of it",
		f: func(x *trial) {
			k, r := x.key(), record("")
			r.Data = pattern(1<<20, 0)
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
		name:        "data-alike",
		explanation: "records with equal fields are still different records: a change of one does not affect the others",
		f: func(x *trial) {
			made := x.creates(10, func(int) store.Record { return stored() })
			n := 0
			for k, r := range made {
				switch n++; n % 3 {
				case 0:
					x.delete(k)
					delete(made, k)
				case 1:
					r.Data = []byte("changed")
					r.Version = x.save(k, r)
					made[k] = r
				}
			}
			for k, r := range made {
				x.remains(k, r)
			}
		},
	},
}

// pattern returns n bytes that differ from seed to seed.
func pattern(n, seed int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16 + 31*seed)
	}
	return b
}
