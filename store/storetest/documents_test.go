package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/storetest"
)

// A sketch of a store on a document database: one document for each record, and
// conditional writes, which most such databases have. The store has all optional
// interfaces but one; a small database in memory stands for the real one.

const sweepGrace = time.Hour

// TestDocuments runs the suite on the sketch.
func TestDocuments(t *testing.T) {
	storetest.Run(t,
		func(*testing.T) store.Store { return &documentStore{new(collection)} },
		storetest.Second(func(_ *testing.T, first store.Store) store.Store {
			return &documentStore{first.(*documentStore).sessions}
		}),
		storetest.SweepGrace(sweepGrace),
	)
}

// A documentStore keeps each record as a document whose id is the key. Each
// condition and its write are one step of the database.
type documentStore struct {
	sessions *collection
}

func (s *documentStore) millis() int64 { return time.Now().UnixMilli() }

// millis returns t in the database's form of dates, which ends with the year 9999.
func millis(t time.Time) int64 {
	return min(max(t.Unix(), 0), 253_402_300_799)*1000 + int64(t.Nanosecond()/1e6)
}

func (s *documentStore) Load(ctx context.Context, k store.Key) (store.Record, error) {
	d, err := s.sessions.get(ctx, k)
	if err == nil && d.expires <= s.millis() {
		err = store.ErrNotFound
	}
	return d.record(), err
}

func (s *documentStore) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if len(r.Owner) > store.MaxOwner {
		return 0, errors.New("documents: the owner is too long")
	}
	d := document{id: k, version: rand.Int64N(1<<62) + 1, expires: millis(r.Expires), owner: r.Owner, data: r.Data}
	n, err := s.sessions.update(ctx, k, func(old document) (document, bool) {
		if r.Version == 0 {
			return d, old.expires <= s.millis() // in the place of an expired one
		}
		return d, uint64(old.version) == r.Version && old.expires > s.millis()
	})
	if err == nil && n == 0 && r.Version == 0 {
		n, err = s.sessions.insert(ctx, d)
	}
	if err == nil && n == 0 {
		err = store.ErrConflict
	}
	return uint64(d.version), err
}

func (s *documentStore) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	_, err := s.sessions.update(ctx, k, func(d document) (document, bool) {
		ok := d.expires > s.millis() && d.expires < millis(expires)
		d.expires = millis(expires)
		return d, ok
	})
	return err
}

func (s *documentStore) Delete(ctx context.Context, k store.Key) error {
	return s.sessions.delete(ctx, k)
}

func (s *documentStore) All(ctx context.Context) iter.Seq2[store.Entry, error] {
	return s.pages(ctx, func(document) bool { return true })
}

func (s *documentStore) Owned(ctx context.Context, owner string) iter.Seq2[store.Entry, error] {
	return s.pages(ctx, func(d document) bool { return owner != "" && d.owner == owner })
}

// pages yields live records in the order of their keys, page by page.
func (s *documentStore) pages(ctx context.Context, match func(document) bool) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		const size = 5000
		for last, more := (*store.Key)(nil), true; more; {
			page, err := s.sessions.find(ctx, size, func(d document) bool {
				return (last == nil || bytes.Compare(d.id[:], last[:]) > 0) && d.expires > s.millis() && match(d)
			})
			if err != nil {
				yield(store.Entry{}, err)
				return
			}
			for _, d := range page {
				if !yield(store.Entry{Key: d.id, Record: d.record()}, nil) {
					return
				}
				last = &d.id
			}
			more = len(page) == size
		}
	}
}

func (s *documentStore) DeleteOwned(ctx context.Context, owner string, keep ...store.Key) (int, error) {
	now := s.millis()
	mine := func(d document) bool { return owner != "" && d.owner == owner && !slices.Contains(keep, d.id) }
	live, err := s.sessions.remove(ctx, -1, func(d document) bool { return d.expires > now && mine(d) })
	if err == nil {
		_, err = s.sessions.remove(ctx, -1, func(d document) bool { return d.expires <= now && mine(d) })
	}
	return live, err
}

func (s *documentStore) Sweep(ctx context.Context, limit int) (int, error) {
	before := time.Now().Add(-sweepGrace).UnixMilli()
	return s.sessions.remove(ctx, max(limit, 0), func(d document) bool { return d.expires <= before })
}

func (s *documentStore) Count(ctx context.Context) (int, error) {
	found, err := s.sessions.find(ctx, -1, func(d document) bool { return d.expires > s.millis() })
	return len(found), err
}

// A document is a record in the database.
type document struct {
	id               store.Key
	version, expires int64
	owner            string
	data             []byte
}

func (d document) record() store.Record {
	return store.Record{Version: uint64(d.version), Expires: time.UnixMilli(d.expires), Owner: d.owner, Data: d.data}
}

// A collection is the database in memory: operations with a filter, each of them
// atomic. A negative limit means no limit.
type collection struct {
	mu   sync.Mutex
	docs map[store.Key]document
}

// step makes f atomic.
func (c *collection) step(ctx context.Context, f func() int) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.docs == nil {
		c.docs = make(map[store.Key]document)
	}
	return f(), nil
}

// get returns the document with an id, or one that expires at 0 if there is none.
func (c *collection) get(ctx context.Context, id store.Key) (d document, err error) {
	_, err = c.step(ctx, func() int {
		d = c.docs[id]
		return 0
	})
	return d, err
}

// delete removes the document with an id.
func (c *collection) delete(ctx context.Context, id store.Key) error {
	_, err := c.step(ctx, func() int {
		delete(c.docs, id)
		return 0
	})
	return err
}

// find returns the first documents that match, in the order of their ids.
func (c *collection) find(ctx context.Context, limit int, match func(document) bool) (found []document, err error) {
	_, err = c.step(ctx, func() int {
		for _, d := range c.docs {
			if match(d) {
				found = append(found, d)
			}
		}
		slices.SortFunc(found, func(a, b document) int { return bytes.Compare(a.id[:], b.id[:]) })
		if limit >= 0 {
			found = found[:min(limit, len(found))]
		}
		return 0
	})
	return found, err
}

// insert stores a document whose id must be new.
func (c *collection) insert(ctx context.Context, d document) (int, error) {
	return c.step(ctx, func() int {
		if _, ok := c.docs[d.id]; ok {
			return 0
		}
		c.docs[d.id] = d
		return 1
	})
}

// update changes the document with an id, if change says so.
func (c *collection) update(ctx context.Context, id store.Key, change func(document) (document, bool)) (int, error) {
	return c.step(ctx, func() int {
		d, ok := c.docs[id]
		if ok {
			d, ok = change(d)
		}
		if !ok {
			return 0
		}
		c.docs[id] = d
		return 1
	})
}

// remove removes documents that match.
func (c *collection) remove(ctx context.Context, limit int, match func(document) bool) (int, error) {
	return c.step(ctx, func() int {
		n := 0
		for id, d := range c.docs {
			if n != limit && match(d) {
				delete(c.docs, id)
				n++
			}
		}
		return n
	})
}
