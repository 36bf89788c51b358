package storetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sesame-go/sesame/store"
)

// dataAnimals change Data, or share it wrongly.
var dataAnimals = []animal{
	{"uses a big buffer again", alter(func(s *altered) {
		buffer := sync.Pool{New: func() any { return new([]byte) }}
		s.load = func(ctx context.Context, k store.Key) (store.Record, error) {
			r, err := s.client.Load(ctx, k)
			if len(r.Data) > 4096 {
				b := buffer.Get().(*[]byte)
				*b = append((*b)[:0], r.Data...)
				r.Data = *b
				buffer.Put(b)
			}
			return r, err
		}
	}), []string{"data-kept"}},
	{"saves into the buffer of before", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			if old, err := s.client.Load(ctx, k); err == nil && old.Version == r.Version && len(r.Data) > 4096 {
				r.Data = append(old.Data[:0], r.Data...)
			}
			return s.client.Save(ctx, k, r)
		}
	}), []string{"data-kept"}},
	{"clears what it was given", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			given := r.Data
			r.Data = bytes.Clone(given)
			defer clear(given)
			return s.client.Save(ctx, k, r)
		}
	}), []string{"data-kept"}},
	{"uses the place of what was deleted again", alter(func(s *altered) {
		var mu sync.Mutex
		var free [][]byte
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			mu.Lock()
			defer mu.Unlock()
			var place []byte
			for i, b := range free {
				if cap(b) >= len(r.Data) {
					place, free = b[:0], slices.Delete(free, i, i+1)
					break
				}
			}
			r.Data = append(place, r.Data...)
			return s.client.Save(ctx, k, r)
		}
		s.delete = func(ctx context.Context, k store.Key) error {
			mu.Lock()
			defer mu.Unlock()
			if r, err := s.client.Load(ctx, k); err == nil && len(r.Data) > 4096 {
				free = append(free, r.Data)
			}
			return s.client.Delete(ctx, k)
		}
	}), []string{"data-kept"}},
	{"clears what is deleted", alter(func(s *altered) {
		s.delete = func(ctx context.Context, k store.Key) error {
			if r, err := s.client.Load(ctx, k); err == nil {
				clear(r.Data)
			}
			return s.client.Delete(ctx, k)
		}
	}), []string{"data-kept"}},
	{"clears what is swept", alter(func(s *altered) {
		s.sweep = func(ctx context.Context, limit int) (int, error) {
			s.mu.Lock()
			for k, r := range s.records {
				if s.live(k).Version == 0 {
					clear(r.Data)
				}
			}
			s.mu.Unlock()
			return s.client.Sweep(ctx, limit)
		}
	}), []string{"data-kept-expired"}},
	{"no data is no record", alter(func(s *altered) {
		s.load = func(ctx context.Context, k store.Key) (store.Record, error) {
			r, err := s.client.Load(ctx, k)
			if err == nil && len(r.Data) == 0 {
				return store.Record{}, store.ErrNotFound
			}
			return r, err
		}
	}), []string{"data-empty"}},
	{"two backslashes are one", changed(func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`\\`), []byte(`\`)) }),
		[]string{"data-bytes", "data-pairs"}},
	{"line ends are one byte", changed(func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }),
		[]string{"data-bytes", "data-pairs"}},
	{"data is UTF-8", changed(func(b []byte) []byte { return bytes.ToValidUTF8(b, []byte("\ufffd")) }),
		[]string{"data-bytes", "data-pairs", "data-sizes"}},
	{"data ends at 65535 bytes", changed(func(b []byte) []byte { return b[:min(len(b), 1<<16-1)] }),
		[]string{"data-sizes", "data-big"}},
	{"a length of 256 is none", changed(func(b []byte) []byte {
		if len(b) == 256 {
			return nil
		}
		return b
	}), []string{"data-sizes", "data-bytes"}},
}

// changed returns a maker of stores that change data on its way in.
func changed(f func([]byte) []byte) func() store.Store {
	return alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			r.Data = f(bytes.Clone(r.Data))
			return s.client.Save(ctx, k, r)
		}
	})
}

// nameAnimals confuse keys or owners.
var nameAnimals = []animal{
	{"keys end at a NUL", keyed(func(k store.Key) store.Key {
		var cut store.Key
		b, _, _ := bytes.Cut(k[:], []byte{0})
		copy(cut[:], b)
		return cut
	}), []string{"keys"}},
	{"keys lose their case", keyed(func(k store.Key) store.Key { return store.Key(bytes.ToLower(k[:])) }), []string{"keys"}},
	{"keys lose spaces", keyed(func(k store.Key) store.Key {
		var cut store.Key
		copy(cut[:], bytes.TrimRight(k[:], " "))
		return cut
	}), []string{"keys"}},
	{"keys lose line ends around them", keyed(func(k store.Key) store.Key {
		var cut store.Key
		copy(cut[:], bytes.Trim(k[:], "\n"))
		return cut
	}), []string{"keys"}},
	{"keys lose zeros before them", keyed(func(k store.Key) store.Key {
		var cut store.Key
		copy(cut[:], bytes.TrimLeft(k[:], "\x00"))
		return cut
	}), []string{"keys"}},
	{"keys have 8 bytes", keyed(func(k store.Key) store.Key { clear(k[8:]); return k }), []string{"keys"}},
	{"keys have 15 bytes", keyed(func(k store.Key) store.Key { k[15] = 0; return k }), []string{"keys"}},
	{"walks cut keys at a NUL", alter(func(s *altered) {
		cut := func(e store.Entry) store.Entry {
			if i := bytes.IndexByte(e.Key[:], 0); i >= 0 {
				clear(e.Key[i:])
			}
			return e
		}
		s.all = mapped(s.all, cut)
		owned := s.owned
		s.owned = func(ctx context.Context, owner string) walkSeq {
			return mapped(func(ctx context.Context) walkSeq { return owned(ctx, owner) }, cut)(ctx)
		}
	}), []string{"keys-all", "keys-owned"}},
	{"owners lose their case", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			r.Owner = strings.ToLower(r.Owner)
			return s.client.Save(ctx, k, r)
		}
	}), []string{"owner-bytes", "owned-bytes"}},
	{"long owners are cut", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			r.Owner = r.Owner[:min(len(r.Owner), store.MaxOwner)]
			return s.client.Save(ctx, k, r)
		}
	}), []string{"owner-too-long"}},
	{"deletes if the owner is too long", alter(func(s *altered) {
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			if len(r.Owner) > store.MaxOwner {
				s.client.Delete(ctx, k)
				return 0, errors.New("too long")
			}
			return s.client.Save(ctx, k, r)
		}
	}), []string{"owner-too-long"}},
	{"Owned goes by a prefix", alter(func(s *altered) {
		s.owned = func(ctx context.Context, owner string) walkSeq {
			return filtered(s.client.All(ctx), func(e store.Entry) bool {
				return owner != "" && strings.HasPrefix(e.Owner+":", owner+":")
			})
		}
	}), []string{"owned-bytes"}},
	{"Owned goes by a prefix and does not say so", alter(func(s *altered) {
		s.owned = func(ctx context.Context, owner string) walkSeq {
			all := func(ctx context.Context) walkSeq {
				return filtered(s.client.All(ctx), func(e store.Entry) bool {
					return owner != "" && strings.HasPrefix(e.Owner+":", owner+":")
				})
			}
			return mapped(all, func(e store.Entry) store.Entry { e.Owner = owner; return e })(ctx)
		}
	}), []string{"owned-bytes"}},
	{"owners are prefixes", ownedBy(func(owner, of string) bool { return strings.HasPrefix(of+":", owner+":") }),
		[]string{"owned-bytes"}},
	{"owners are patterns", ownedBy(func(owner, of string) bool {
		before, after, ok := strings.Cut(owner, "%")
		return owner == of || ok && strings.HasPrefix(of, before) && strings.HasSuffix(of, after)
	}), []string{"owned-bytes"}},
	{"owners have 64 bytes", ownedBy(func(owner, of string) bool {
		return owner[:min(len(owner), 64)] == of[:min(len(of), 64)]
	}), []string{"owned-bytes"}},
	{"owners lose spaces", ownedBy(func(owner, of string) bool { return strings.TrimRight(owner, " ") == strings.TrimRight(of, " ") }),
		[]string{"owned-bytes"}},
}

// keyed returns a maker of stores that change keys.
func keyed(f func(store.Key) store.Key) func() store.Store {
	return alter(func(s *altered) {
		s.load = func(ctx context.Context, k store.Key) (store.Record, error) { return s.client.Load(ctx, f(k)) }
		s.save = func(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
			return s.client.Save(ctx, f(k), r)
		}
		s.touch = func(ctx context.Context, k store.Key, t time.Time) error { return s.client.Touch(ctx, f(k), t) }
		s.delete = func(ctx context.Context, k store.Key) error { return s.client.Delete(ctx, f(k)) }
	})
}

// ownedBy returns a maker of stores whose DeleteOwned compares owners in the given way.
func ownedBy(match func(owner, of string) bool) func() store.Store {
	return alter(func(s *altered) {
		s.deleteOwned = func(ctx context.Context, owner string, keep ...store.Key) (n int, err error) {
			if owner == "" {
				return 0, ctx.Err()
			}
			owners := make(map[string]bool)
			for e := range s.client.All(ctx) {
				if e.Owner != "" && match(owner, e.Owner) {
					owners[e.Owner] = true
				}
			}
			owners[owner] = true
			for o := range owners {
				m, err := s.client.DeleteOwned(ctx, o, keep...)
				if err != nil {
					return n, err
				}
				n += m
			}
			return n, nil
		}
	})
}
