package bench

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/alexedwards/scs/v2"
	scsmemory "github.com/alexedwards/scs/v2/memstore"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/memstore"
)

// engine is a store with numbered sessions of 300 bytes.
type engine interface {
	load(i int) error
	save(i int, expires time.Time) error // creates or changes the i-th; different ones may be saved at once
	list() (int, error)                  // reads all
	sweep() (int, error)                 // removes all that have expired
	Close() error
}

// engines are those whose growth is measured.
var engines = []struct {
	lib, store string
	open       func(p Place, sessions int) (engine, error)
}{
	{Base, "memory", func(_ Place, n int) (engine, error) {
		return newStoreEngine(memstore.New(memstore.WithMaxSessions(2*n), memstore.WithMaxBytes(1<<40)), n, nil), nil
	}},
	{"scs", "memory", func(_ Place, n int) (engine, error) {
		return newSCSEngine(scsmemory.NewWithCleanupInterval(0), n, nil), nil
	}},
	{Base, "file", openLogEngine},
	{Base, "sqlite", openSQLiteEngine},
}

const payload = 300 // bytes of a session's data

// storeEngine is a store of sesame's, or one of its kind.
type storeEngine struct {
	store    loadSaver
	keys     []store.Key
	versions []uint64
	data     []byte
	later    func() // sets the store's clock ahead, nil if a sweep leaves nothing to other clocks
	ioClosers
}

type loadSaver interface {
	Load(ctx context.Context, k store.Key) (store.Record, error)
	Save(ctx context.Context, k store.Key, r store.Record) (uint64, error)
}

func newStoreEngine(s loadSaver, n int, closers ioClosers) *storeEngine {
	e := &storeEngine{s, make([]store.Key, n), make([]uint64, n), make([]byte, payload), nil, closers}
	for i := range e.keys {
		e.keys[i] = numbered(i)
	}
	return e
}

func numbered(i int) (k store.Key) {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
	copy(k[:], sum[:])
	return k
}

func (e *storeEngine) load(i int) error {
	_, err := e.store.Load(context.Background(), e.keys[i])
	return err
}

func (e *storeEngine) save(i int, expires time.Time) (err error) {
	e.versions[i], err = e.store.Save(context.Background(), e.keys[i],
		store.Record{Version: e.versions[i], Expires: expires, Data: e.data})
	return err
}

func (e *storeEngine) list() (n int, err error) {
	for _, err := range e.store.(store.Lister).All(context.Background()) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// sweep goes in the steps in which a manager does.
func (e *storeEngine) sweep() (removed int, err error) {
	const step = 200
	if e.later != nil {
		e.later()
	}
	for {
		n, err := e.store.(store.Sweeper).Sweep(context.Background(), step)
		removed += n
		if err != nil || n < step {
			return removed, err
		}
	}
}

// scsEngine is a store of scs'.
type scsEngine struct {
	store  scsStore
	tokens []string
	data   []byte
	ioClosers
}

type scsStore interface {
	scs.Store
	All() (map[string][]byte, error)
}

func newSCSEngine(s scsStore, n int, closers ioClosers) *scsEngine {
	e := &scsEngine{s, make([]string, n), make([]byte, payload), closers}
	for i := range e.tokens {
		e.tokens[i] = "a-token-of-scs-as-long-as-they-are-" + strconv.Itoa(1e8+i)
	}
	return e
}

func (e *scsEngine) load(i int) error {
	_, found, err := e.store.Find(e.tokens[i])
	if err == nil && !found {
		err = store.ErrNotFound
	}
	return err
}

// save gives the store bytes of its own to keep, as scs does.
func (e *scsEngine) save(i int, expires time.Time) error {
	return e.store.Commit(e.tokens[i], append([]byte(nil), e.data...), expires)
}

func (e *scsEngine) list() (int, error) {
	all, err := e.store.All()
	return len(all), err
}

// sweep has no call: a goroutine of the store's does it, see wait.go.
func (e *scsEngine) sweep() (int, error) { return 0, nil }
