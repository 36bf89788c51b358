package storetest_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/storetest"
)

// A sketch of a store for memcached, which is not here: the four methods over
// its commands gets, add, cas and delete.

// TestMemcached runs the sketch over a server in miniature.
func TestMemcached(t *testing.T) {
	storetest.Run(t,
		func(*testing.T) store.Store { return &memcachedStore{newMemcached(), time.Now} },
		storetest.Second(func(_ *testing.T, first store.Store) store.Store {
			return &memcachedStore{first.(*memcachedStore).server, time.Now}
		}),
		storetest.Skewed(func(_ *testing.T, first store.Store, by time.Duration) store.Store {
			return &memcachedStore{first.(*memcachedStore).server, func() time.Time { return time.Now().Add(by) }}
		}),
	)
}

// A memcachedStore keeps each record in one item: version, expiry, owner and
// data. The unique number that the server gives an item guards each write; the
// version is the store's own, since those numbers begin again at a restart.
type memcachedStore struct {
	server *memcached
	now    func() time.Time
}

// read returns what the item under k says, and its unique number. The version
// is 0 if there is no live record, the number if there is no item.
func (s *memcachedStore) read(ctx context.Context, k store.Key) (r store.Record, unique uint64, err error) {
	if err := ctx.Err(); err != nil {
		return r, 0, err
	}
	value, unique := s.server.gets(k.String())
	if unique == 0 {
		return r, 0, nil
	}
	if len(value) < 17 || len(value) < 17+int(value[16]) {
		return r, unique, store.ErrCorrupt
	}
	expires := time.UnixMilli(int64(binary.BigEndian.Uint64(value[8:])))
	if expires.After(s.now()) {
		end := 17 + int(value[16])
		r = store.Record{Version: binary.BigEndian.Uint64(value), Expires: expires, Owner: string(value[17:end]), Data: value[end:]}
	}
	return r, unique, nil
}

// write stores r if the item is still the one that read has seen.
func (s *memcachedStore) write(k store.Key, r store.Record, unique uint64) bool {
	expires := millis(r.Expires)
	value := binary.BigEndian.AppendUint64(nil, r.Version)
	value = binary.BigEndian.AppendUint64(value, uint64(expires))
	value = append(append(append(value, byte(len(r.Owner))), r.Owner...), r.Data...)
	// The server only tidies up, later than any clock expects the record to die.
	exptime := expires/1000 + 3600
	if exptime > s.now().Unix()+365*24*3600 {
		exptime = 0
	}
	if unique == 0 {
		return s.server.add(k.String(), value, exptime)
	}
	return s.server.cas(k.String(), value, exptime, unique)
}

func (s *memcachedStore) Load(ctx context.Context, k store.Key) (store.Record, error) {
	r, _, err := s.read(ctx, k)
	if err == nil && r.Version == 0 {
		err = store.ErrNotFound
	}
	return r, err
}

func (s *memcachedStore) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if len(r.Owner) > store.MaxOwner {
		return 0, errors.New("memcached: the owner is too long")
	}
	for {
		old, unique, err := s.read(ctx, k)
		if err != nil {
			return 0, err
		}
		if old.Version != r.Version {
			return 0, store.ErrConflict
		}
		next := r
		next.Version = 1 + rand.Uint64N(1<<63)
		if s.write(k, next, unique) {
			return next.Version, nil
		}
	}
}

func (s *memcachedStore) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	for {
		r, unique, err := s.read(ctx, k)
		if err != nil || r.Version == 0 || !expires.After(r.Expires) {
			return err
		}
		r.Expires = expires
		if s.write(k, r, unique) {
			return nil
		}
	}
}

func (s *memcachedStore) Delete(ctx context.Context, k store.Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.server.delete(k.String())
	return nil
}

// memcached is what its protocol says of four commands. An exptime is in
// seconds since 1970, 0 is none.
type memcached struct {
	mu     sync.Mutex
	unique uint64
	items  map[string]item
}

type item struct {
	value   []byte
	exptime int64
	unique  uint64
}

func newMemcached() *memcached { return &memcached{items: make(map[string]item)} }

// find returns the item under a key; its unique number is 0 if there is none.
func (m *memcached) find(key string) item {
	i := m.items[key]
	if i.exptime != 0 && i.exptime <= time.Now().Unix() {
		delete(m.items, key)
		return item{}
	}
	return i
}

func (m *memcached) set(key string, value []byte, exptime int64) {
	m.unique++
	m.items[key] = item{value, exptime, m.unique}
}

func (m *memcached) gets(key string) ([]byte, uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.find(key)
	return i.value, i.unique
}

func (m *memcached) add(key string, value []byte, exptime int64) (stored bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.find(key).unique != 0 {
		return false
	}
	m.set(key, value, exptime)
	return true
}

func (m *memcached) cas(key string, value []byte, exptime int64, unique uint64) (stored bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.find(key).unique != unique {
		return false
	}
	m.set(key, value, exptime)
	return true
}

func (m *memcached) delete(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.items, key)
}
