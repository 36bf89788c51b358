package storetest

import (
	"bytes"
	"cmp"
	"context"
	"iter"
	"math"
	"slices"
	"sync/atomic"

	"github.com/sesame-go/sesame/store"
)

type walkSeq = iter.Seq2[store.Entry, error]

// mapped returns an All with each entry changed.
func mapped(all func(context.Context) walkSeq, f func(store.Entry) store.Entry) func(context.Context) walkSeq {
	return func(ctx context.Context) walkSeq {
		return func(yield func(store.Entry, error) bool) {
			for e, err := range all(ctx) {
				if !yield(f(e), err) {
					return
				}
			}
		}
	}
}

// filtered returns a walk with only the entries for which f is true.
func filtered(seq walkSeq, f func(store.Entry) bool) walkSeq {
	return func(yield func(store.Entry, error) bool) {
		for e, err := range seq {
			if (err != nil || f(e)) && !yield(e, err) {
				return
			}
		}
	}
}

// raw returns an All that also yields expired records.
func raw(c *client) func(context.Context) walkSeq {
	return func(ctx context.Context) walkSeq {
		return func(yield func(store.Entry, error) bool) {
			for _, e := range c.snapshot() {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// snapshot returns all records by key, expired or not.
func (c *client) snapshot() []store.Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []store.Entry
	for k, r := range c.records {
		all = append(all, store.Entry{Key: k, Record: r})
	}
	slices.SortFunc(all, func(a, b store.Entry) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	return all
}

// bothWalks alters All, and Owned by filtering what All yields.
func bothWalks(s *altered, all func(ctx context.Context) walkSeq) {
	s.all = all
	s.owned = func(ctx context.Context, owner string) walkSeq {
		return filtered(all(ctx), func(e store.Entry) bool { return owner != "" && e.Owner == owner })
	}
}

// walkAnimals have faults in walks of any length.
var walkAnimals = []animal{
	{"a walk has no owners", alter(func(s *altered) {
		s.all = mapped(s.all, func(e store.Entry) store.Entry { e.Owner = ""; return e })
	}), []string{"all", "all-in-step"}},
	{"All leaves out what has no data", alter(func(s *altered) {
		s.all = func(ctx context.Context) walkSeq {
			return filtered(s.client.All(ctx), func(e store.Entry) bool { return len(e.Data) > 0 })
		}
	}), []string{"data-empty"}},
	{"a walk has no versions", alter(func(s *altered) {
		bothWalks(s, mapped(s.all, func(e store.Entry) store.Entry {
			if e.Version != 0 {
				e.Version = 1
			}
			return e
		}))
	}), []string{"all", "owned"}},
	{"a walk goes by what was first saved", alter(func(s *altered) {
		bothWalks(s, mapped(s.all, func(e store.Entry) store.Entry {
			s.mu.Lock()
			defer s.mu.Unlock()
			if past := s.past[e.Key]; e.Version != 0 {
				e.Record = past
			}
			return e
		}))
	}), []string{"all-in-step", "owned-in-step"}},
	{"a walk ends quietly", alter(func(s *altered) {
		quiet := func(seq walkSeq) walkSeq {
			return func(yield func(store.Entry, error) bool) {
				for e, err := range seq {
					if err != nil || !yield(e, nil) {
						return
					}
				}
			}
		}
		s.all = func(ctx context.Context) walkSeq { return quiet(s.client.All(ctx)) }
		s.owned = func(ctx context.Context, owner string) walkSeq { return quiet(s.client.Owned(ctx, owner)) }
	}), []string{"all-cancel", "owned-cancel", "all-context", "owned-context"}},
	{"a walk cannot be walked again", alter(func(s *altered) {
		once := func(seq walkSeq) walkSeq {
			var used atomic.Bool
			return func(yield func(store.Entry, error) bool) {
				if !used.Swap(true) {
					seq(yield)
				}
			}
		}
		s.all = func(ctx context.Context) walkSeq { return once(s.client.All(ctx)) }
		s.owned = func(ctx context.Context, owner string) walkSeq { return once(s.client.Owned(ctx, owner)) }
	}), []string{"all-break", "owned-break"}},
	{"a walk that is broken off keeps its connection", alter(func(s *altered) {
		connections := make(chan bool, 20)
		bothWalks(s, func(ctx context.Context) walkSeq {
			return func(yield func(store.Entry, error) bool) {
				connections <- true
				for e, err := range s.client.All(ctx) {
					if !yield(e, err) {
						return
					}
				}
				<-connections
			}
		})
	}), []string{"all-break", "owned-break"}},
	{"a walk holds the lock", alter(func(s *altered) {
		bothWalks(s, func(ctx context.Context) walkSeq {
			return func(yield func(store.Entry, error) bool) {
				entries := s.snapshot()
				s.mu.Lock()
				defer s.mu.Unlock()
				for _, e := range entries {
					if !yield(e, nil) {
						return
					}
				}
			}
		})
	}), []string{"all-no-lock", "owned-no-lock"}},
	{"a walk keeps others from walking", alter(func(s *altered) {
		walking := make(chan bool, 1)
		bothWalks(s, func(ctx context.Context) walkSeq {
			return func(yield func(store.Entry, error) bool) {
				walking <- true
				defer func() { <-walking }()
				s.client.All(ctx)(yield)
			}
		})
	}), []string{"all-no-lock", "owned-no-lock"}},
	{"a walk reads records one by one without a second look", alter(func(s *altered) {
		bothWalks(s, func(ctx context.Context) walkSeq {
			return func(yield func(store.Entry, error) bool) {
				for _, e := range s.snapshot() {
					r, err := s.client.Load(ctx, e.Key)
					if err != nil { // the record is gone, and the walk ends with it
						return
					}
					if !yield(store.Entry{Key: e.Key, Record: r}, nil) {
						return
					}
				}
			}
		})
	}), []string{"all-race", "owned-race"}},
	{"a walk yields parts of two states", alter(func(s *altered) {
		bothWalks(s, func(ctx context.Context) walkSeq {
			return func(yield func(store.Entry, error) bool) {
				for _, e := range s.snapshot() {
					if r, err := s.client.Load(ctx, e.Key); err == nil {
						e.Data = r.Data
					}
					if !yield(e, nil) {
						return
					}
				}
			}
		})
	}), []string{"all-race", "owned-race"}},
}

// pageAnimals have faults in long walks only.
var pageAnimals = []animal{
	{"All is a page of 1000", allPages(1000, onePage), []string{"all-many"}},
	{"Owned is a page of 1000", ownPages(1000, onePage), []string{"owned-many"}},
	{"pages of 1000 of All by offset", allPages(1000, byOffset), []string{"all-deleted"}},
	{"a walk is a page of 1000", pages(1000, onePage), []string{"all-many", "owned-many"}},
	{"a walk is a page of 1024", pages(1024, onePage), []string{"all-many", "owned-many"}},
	{"a walk is a page of 5000", pages(5000, onePage), []string{"all-many", "owned-many"}},
	{"a walk is a page of 10000", pages(10_000, onePage), []string{"all-huge", "owned-huge"}},
	{"a walk is a page of 65535", pages(65_535, onePage), []string{"all-huge", "owned-huge"}},
	{"pages of 10000 by offset", pages(10_000, byOffset), []string{"all-huge"}},
	{"pages of 1000 by offset", pages(1000, byOffset), []string{"all-deleted", "owned-deleted", "all-others-deleted", "owned-others-deleted"}},
	{"pages of 1024 by offset", pages(1024, byOffset), []string{"all-deleted", "owned-deleted", "all-others-deleted", "owned-others-deleted"}},
	{"pages of 5000 by offset", pages(5000, byOffset), []string{"all-deleted", "owned-deleted", "all-others-deleted", "owned-others-deleted"}},
	{"pages of 5000 of the owner's by offset", ownPages(5000, byOffset), []string{"owned-deleted"}},
	{"pages of 100 by offset in the order of expiry", pages(100, byExpiry), []string{"all-many", "owned-many"}},
	{"pages of 5000 by offset in the order of expiry", pages(5000, byExpiry), []string{"all-many", "owned-many"}},
	{"pages that begin where the last record is", pages(1000, whereLast), []string{"all-deleted", "owned-deleted"}},
	{"pages of 5000 that begin where the last record is", pages(5000, whereLast), []string{"all-deleted", "owned-deleted"}},
	{"pages of 1000 end when none is live", pages(1000, untilEmpty(false)), []string{"all-expired"}},
	{"pages of 5000 end when none is live", pages(5000, untilEmpty(false)), []string{"all-expired"}},
	{"pages of 5000 backwards end when none is live", pages(5000, untilEmpty(true)), []string{"owned-expired"}},
	{"a walk follows what is renewed", pages(1000, byVersion), []string{"all-many", "owned-many"}},
	{"a walk goes from new to old", alter(func(s *altered) {
		bothWalks(s, func(context.Context) walkSeq {
			return func(yield func(store.Entry, error) bool) {
				for below := uint64(math.MaxUint64); ; {
					page := slices.DeleteFunc(s.snapshot(), func(e store.Entry) bool { return e.Version >= below })
					slices.SortFunc(page, func(a, b store.Entry) int { return cmp.Compare(b.Version, a.Version) })
					for _, e := range page[:min(1000, len(page))] {
						below = e.Version
						if e.Expires.After(s.now()) && !yield(e, nil) {
							return
						}
					}
					if len(page) <= 1000 {
						return
					}
				}
			}
		})
	}), []string{"all-many", "owned-many"}},
	{"pages of 1000 begin after the expiry of the last", pages(1000, afterExpiry), []string{"all-many", "owned-many"}},
	{"a long walk holds the lock", alter(func(s *altered) {
		bothWalks(s, func(ctx context.Context) walkSeq {
			return func(yield func(store.Entry, error) bool) {
				for i, e := range s.snapshot() {
					if i == 1000 {
						s.mu.Lock()
						defer s.mu.Unlock()
					}
					if e.Expires.After(s.now()) && !yield(e, nil) {
						return
					}
				}
			}
		})
	}), []string{"all-many", "owned-deleted"}},
	{"deletes a page of 1000", deletesPage(1000), []string{"delete-owned-many", "all-expired"}},
	{"deletes a page of 5000", deletesPage(5000), []string{"owned-huge", "all-expired"}},
}

// deletesPage returns a maker of stores whose DeleteOwned has a limit.
func deletesPage(size int) func() store.Store {
	return alter(func(s *altered) {
		s.deleteOwned = func(ctx context.Context, owner string, keep ...store.Key) (int, error) {
			n := 0
			for _, e := range s.snapshot() {
				if n < size && e.Owner == owner && owner != "" && !slices.Contains(keep, e.Key) {
					s.client.Delete(ctx, e.Key)
					n++
				}
			}
			return n, ctx.Err()
		}
	})
}

// A pager returns the next page of a walk over all records, and whether there are more.
// The walk has yielded n records so far, the last one under a key.
type pager func(c *client, all []store.Entry, n int, last store.Key, size int) (page []store.Entry, more bool)

// pages returns a maker of stores that walk page by page.
func pages(size int, next pager) func() store.Store {
	return alter(func(s *altered) { bothWalks(s, paging(s.client, size, next, "")) })
}

// allPages returns a maker of stores whose All walks page by page, and whose Owned does
// not.
func allPages(size int, next pager) func() store.Store {
	return alter(func(s *altered) { s.all = paging(s.client, size, next, "") })
}

// ownPages has an index of each owner's records for Owned.
func ownPages(size int, next pager) func() store.Store {
	return alter(func(s *altered) {
		s.owned = func(ctx context.Context, owner string) walkSeq { return paging(s.client, size, next, owner)(ctx) }
	})
}

func paging(c *client, size int, next pager, owner string) func(ctx context.Context) walkSeq {
	return func(ctx context.Context) walkSeq {
		return func(yield func(store.Entry, error) bool) {
			n, last, more := 0, store.Key{}, true
			for more {
				all := c.snapshot()
				if owner != "" {
					all = slices.DeleteFunc(all, func(e store.Entry) bool { return e.Owner != owner })
				}
				var page []store.Entry
				page, more = next(c, all, n, last, size)
				for _, e := range page {
					n, last = n+1, e.Key
					c.mu.Lock()
					live := c.live(e.Key).Version != 0
					c.mu.Unlock()
					if live && !yield(e, nil) {
						return
					}
				}
			}
			if err := ctx.Err(); err != nil {
				yield(store.Entry{}, err)
			}
		}
	}
}

func onePage(_ *client, all []store.Entry, _ int, _ store.Key, size int) ([]store.Entry, bool) {
	return all[:min(size, len(all))], false
}

func byOffset(_ *client, all []store.Entry, n int, _ store.Key, size int) ([]store.Entry, bool) {
	page := all[min(n, len(all)):min(n+size, len(all))]
	return page, len(page) == size
}

func byExpiry(c *client, all []store.Entry, n int, last store.Key, size int) ([]store.Entry, bool) {
	slices.SortStableFunc(all, func(a, b store.Entry) int { return a.Expires.Compare(b.Expires) })
	return byOffset(c, all, n, last, size)
}

// afterExpiry continues after the expiry of the last record.
func afterExpiry(_ *client, all []store.Entry, n int, last store.Key, size int) ([]store.Entry, bool) {
	slices.SortFunc(all, func(a, b store.Entry) int { return a.Expires.Compare(b.Expires) })
	from := 0
	if i := slices.IndexFunc(all, func(e store.Entry) bool { return e.Key == last }); n > 0 && i >= 0 {
		after := all[i].Expires
		for from = i; from < len(all) && !all[from].Expires.After(after); {
			from++
		}
	}
	page := all[from:min(from+size, len(all))]
	return page, len(page) == size
}

// byVersion continues after the greatest version that it has seen.
func byVersion(_ *client, all []store.Entry, n int, last store.Key, size int) ([]store.Entry, bool) {
	slices.SortFunc(all, func(a, b store.Entry) int { return cmp.Compare(a.Version, b.Version) })
	from := 0
	if n > 0 {
		from = slices.IndexFunc(all, func(e store.Entry) bool { return e.Key == last }) + 1
	}
	page := all[from:min(from+size, len(all))]
	return page, len(page) == size
}

func whereLast(_ *client, all []store.Entry, n int, last store.Key, size int) ([]store.Entry, bool) {
	from := 0
	if n > 0 {
		from = slices.IndexFunc(all, func(e store.Entry) bool { return e.Key == last }) + 1
		if from == 0 {
			return nil, false
		}
	}
	page := all[from:min(from+size, len(all))]
	return page, len(page) == size
}

func untilEmpty(backwards bool) pager {
	return func(c *client, all []store.Entry, n int, _ store.Key, size int) ([]store.Entry, bool) {
		if backwards {
			slices.Reverse(all)
		}
		page := all[min(n, len(all)):min(n+size, len(all))]
		c.mu.Lock()
		defer c.mu.Unlock()
		return page, slices.ContainsFunc(page, func(e store.Entry) bool { return c.live(e.Key).Version != 0 })
	}
}
