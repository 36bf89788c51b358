package sesame_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/store"
)

// MapStore keeps sessions in a map. It has the four methods that every store
// has, and shows what they must do; it keeps what has expired forever.
//
// Package storetest checks a store like this one in a line.
type MapStore struct {
	mu      sync.Mutex
	records map[store.Key]store.Record
	version uint64
}

// live returns the record under k, or the zero one if there is none or it has
// expired.
func (m *MapStore) live(k store.Key) store.Record {
	r := m.records[k]
	if !time.Now().Before(r.Expires) {
		return store.Record{}
	}
	return r
}

// Load implements [store.Store]. The caller gets its own copy of the data.
func (m *MapStore) Load(ctx context.Context, k store.Key) (store.Record, error) {
	if err := ctx.Err(); err != nil {
		return store.Record{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.live(k)
	if r.Version == 0 {
		return store.Record{}, store.ErrNotFound
	}
	r.Data = bytes.Clone(r.Data)
	return r, nil
}

// Save implements [store.Store]. It compares the version and swaps the record
// under one lock: a session that changed or ended in between is left alone.
func (m *MapStore) Save(ctx context.Context, k store.Key, r store.Record) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if len(r.Owner) > store.MaxOwner {
		return 0, errors.New("mapstore: owner too long")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.live(k).Version != r.Version {
		return 0, store.ErrConflict
	}
	m.version++ // of all records together, so that no key ever has one twice
	r.Version = m.version
	r.Data = bytes.Clone(r.Data)
	m.records[k] = r
	return r.Version, nil
}

// Touch implements [store.Store]. It extends what is there, and that is all.
func (m *MapStore) Touch(ctx context.Context, k store.Key, expires time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.live(k); r.Version != 0 && expires.After(r.Expires) {
		r.Expires = expires
		m.records[k] = r
	}
	return nil
}

// Delete implements [store.Store].
func (m *MapStore) Delete(ctx context.Context, k store.Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.records, k)
	return nil
}

// Visit is a session.
type Visit struct{ Pages int }

var visits = sesame.New[Visit](sesame.WithStore(&MapStore{records: make(map[store.Key]store.Record)}))

// A store of your own is four methods.
func Example_store() {
	site := visits.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := visits.Get(r.Context())
		v.Pages++
		fmt.Fprint(w, "pages: ", v.Pages)
	}))

	r := httptest.NewRequest("GET", "https://example.com/", nil)
	for range 3 {
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		fmt.Println(w.Body)
		for _, c := range w.Result().Cookies() {
			r.AddCookie(c)
		}
	}

	// Output:
	// pages: 1
	// pages: 2
	// pages: 3
}
