package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sesame-go/sesame/store"
)

// nameCases are about keys and owners.
var nameCases = []testCase{
	{
		name:        "keys",
		explanation: "all 16 bytes of a key count, whatever their values are and however the store encodes them",
		f: func(x *trial) {
			keys := hostileKeys()
			for i, k := range keys {
				x.missing(k)
				x.create(k, record(fmt.Sprint(i)))
			}
			for i, k := range keys {
				if r := x.load(k); string(r.Data) != fmt.Sprint(i) {
					x.fatalf("Load of key %x returned the record of another key", k)
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
		name:        "keys-all",
		explanation: "All yields each record under its own key, whatever bytes the key has",
		needs:       lister,
		f: func(x *trial) {
			x.listed(x.createsUnder(hostileKeys(), func(i int) store.Record { return record(fmt.Sprint(i)) }))
		},
	},
	{
		name:        "keys-owned",
		explanation: "Owned yields each record under its own key, whatever bytes the key has, and DeleteOwned keeps the records under the keys it was given and no others",
		needs:       ownerIndex,
		f: func(x *trial) {
			keys := hostileKeys()
			made := x.createsUnder(keys, owned("ann"))
			x.ownsAll("ann", made)
			// Similar keys are neighbours in the list.
			for odd := range 2 {
				var keep []store.Key
				for i, k := range keys {
					if i%2 == odd {
						keep = append(keep, k)
					}
				}
				x.deleteOwned(len(keys)-len(keep), "ann", keep...)
				x.owns("ann", keep...)
				for i, k := range keys {
					if i%2 == odd {
						x.holds(k, made[k])
						x.delete(k)
						x.missing(k)
					} else {
						x.missing(k)
					}
				}
				x.owns("ann")
				made = x.createsUnder(keys, owned("ann"))
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
		explanation: "Save returns an error for an owner of more than 255 bytes, which is neither ErrConflict nor ErrNotFound, and stores or changes nothing",
		f: func(x *trial) {
			for _, n := range []int{store.MaxOwner + 1, 300, 512, 1 << 16} {
				long := record("long")
				long.Owner = strings.Repeat("o", n)
				refused := func(err error) {
					x.Helper()
					if err == nil || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound) {
						x.fatalf("Save with an owner of %d bytes: got %v, want an error that says so", n, err)
					}
				}
				k := x.key()
				_, err := x.s.Save(x.ctx, k, long)
				refused(err)
				x.missing(k)

				r := stored()
				r.Version = x.create(k, r)
				long.Version = r.Version
				_, err = x.s.Save(x.ctx, k, long)
				refused(err)
				x.only(k, r)
				x.delete(k)
			}
		},
	},
	{
		name:        "owned-bytes",
		explanation: "owners are compared byte by byte: Owned and DeleteOwned tell apart owners that merely look alike or of which one is a prefix of the other",
		needs:       ownerIndex,
		f: func(x *trial) {
			owners := hostileOwners()
			keys := make(map[string]store.Key)
			for _, owner := range owners {
				keys[owner] = x.key()
				x.create(keys[owner], owned(owner)(0))
			}
			for _, owner := range owners {
				x.owns(owner, keys[owner])
			}
			// The owners are removed one by one, in this order and then in reverse, so
			// that of any two each once remains when the other is removed.
			for range 2 {
				for i, owner := range owners {
					if _, ok := x.exists(keys[owner]); !ok {
						x.fatalf("DeleteOwned has removed a record of the owner %.40q, but was called only for %.20q", owner, owners[:i])
					}
					x.deleteOwned(1, owner)
					x.missing(keys[owner])
					x.owns(owner)
				}
				for _, owner := range owners {
					x.create(keys[owner], owned(owner)(0))
				}
				slices.Reverse(owners)
			}
		},
	},
}

// hostileKeys returns distinct keys that a careless store may confuse or fail on.
func hostileKeys() []store.Key {
	var zero, letters store.Key
	for i := range letters {
		letters[i] = "abcdefgh"[i%8]
	}
	keys := []store.Key{zero, letters}
	for bit := range 8 * len(zero) {
		k := letters
		k[bit/8] ^= 1 << (bit % 8)
		keys = append(keys, k)
	}
	// These differ only after a NUL, a space or a line end, or in the number of
	// these at the end, or in having one at the beginning instead of the end.
	for _, c := range []byte{0, ' ', '\n'} {
		for i := range len(zero) - 1 {
			k := letters
			k[i] = c
			other := k
			other[len(k)-1] = 'X'
			keys = append(keys, k, other)
		}
		keys = append(keys, store.Key(append(letters[1:], c)))
		for i := 1; i < len(zero); i++ {
			k := letters
			for j := i; j < len(k); j++ {
				k[j] = c
			}
			keys = append(keys, k)
		}
	}
	for _, s := range []string{
		"*", "?", "[a-z]", "%", "_", "'", "\"", "`", "\\", "/", "../", "\n", "\r\n", " ", "{}", ":", ".", ">", "A",
		"\xc3\xa9", "e\xcc\x81", "\xff", "\xfe", "\x80", "\xef\xbf\xbd",
	} {
		var k store.Key
		for i := range k {
			k[i] = s[i%len(s)]
		}
		keys = append(keys, k)
	}
	// In base64, these differ only in the case of letters.
	for _, s := range []string{"b", "B", "k", "K"} {
		k, err := store.ParseKey(strings.Repeat(s, 21) + "A")
		if err != nil {
			panic(err)
		}
		keys = append(keys, k)
	}
	return distinct(keys)
}

// distinct returns keys without duplicates.
func distinct(keys []store.Key) []store.Key {
	seen := make(map[store.Key]bool)
	n := 0
	for _, k := range keys {
		if !seen[k] {
			seen[k] = true
			keys[n] = k
			n++
		}
	}
	return keys[:n]
}

// hostileOwners returns distinct owners that a careless store may confuse or fail
// on.
func hostileOwners() []string {
	every := make([]byte, store.MaxOwner)
	for i := range every {
		every[i] = byte(i)
	}
	long := strings.Repeat("o", store.MaxOwner)
	owners := []string{
		"ann", "Ann", "ANN", "ann ", " ann", "ann\x00", "ann\x00bob", "ann\n", "\x00", "\x00ann", "../ann", ".", "..", "ann.*",
		"an", "anna", "bann", "a", "A", "\u00e1", "\u00c1", "a\u0301", "\xe1", "\xff", "\xef\xbf\xbd", "*", "a*", "?nn", "[a]nn", "%", "a%", "_nn", ".nn", ">",
		"'", "''", "\"", `\`, `\\`, `a\`, `a\\`, "{ann}", "0", "00", "1", "01", "ann%3A", "null",
		long, long[1:], long[1:] + "x", "x" + long[1:], strings.ToUpper(long), string(every),
	}
	// An index whose entries are owner, separator and key must not confuse owners
	// that contain the separator.
	for _, separator := range strings.Split(":/|,;-_.@#=&+ \t\x00\x1f\xff", "") {
		owners = append(owners, "ann"+separator+"2")
	}
	for _, n := range []int{64, 128, 191} { // where a column may truncate
		owners = append(owners, long[:n], long[:n]+"x")
	}
	return owners
}
