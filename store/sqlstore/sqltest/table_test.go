package sqltest

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/sqlstore"
)

type Session struct {
	User string   `json:"user"`
	Cart []string `json:"cart"`
}

func (s Session) Owner() string { return s.User }

// TestReadable reads sessions with the statements in the documentation that are
// for the shell of the database.
func TestReadable(t *testing.T) {
	db := openDB(t, dsn(filepath.Join(t.TempDir(), "a.sqlite")))
	sessions := sesame.New[Session](sesame.WithStore(newStore(t, db)), sesame.WithCodec(codec.JSON))
	h := sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := sessions.Get(r.Context())
		s.User, s.Cart = "ann", []string{"tea", "söck"}
	}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "https://example.com/", nil))
	require.Equal(t, http.StatusOK, w.Code)

	docs, err := os.ReadFile("../../../docs/STORES.md")
	require.NoError(t, err)
	queries := strings.SplitAfter(between(t, string(docs), "```sql\n-- what is in the sessions\n", "```"), ";\n")
	require.Len(t, queries, 4) // the last is empty

	var data, owner, expires, count string
	require.NoError(t, db.QueryRow(queries[0]).Scan(&data))
	assert.Equal(t, `{"user":"ann","cart":["tea","söck"]}`, data)
	require.NoError(t, db.QueryRow(queries[1]).Scan(&owner, &expires))
	assert.Equal(t, "ann", owner)
	at, err := time.Parse(time.DateTime, expires)
	require.NoError(t, err)
	assert.WithinDuration(t, time.Now().Add(time.Hour), at, time.Minute)
	require.NoError(t, db.QueryRow(queries[2]).Scan(&count))
	assert.Equal(t, "1", count)
}

// TestDocumentedSchema compares the documentation with the program.
func TestDocumentedSchema(t *testing.T) {
	docs, err := os.ReadFile("../../../docs/STORES.md")
	require.NoError(t, err)
	want := sqlstore.New(openDB(t, ":memory:"), sqlstore.SQLite()).Schema()
	assert.Equal(t, want, between(t, string(docs), "```sql\n-- the table\n", "```"))
}

func between(t *testing.T, s, before, after string) string {
	t.Helper()
	_, s, found := strings.Cut(s, before)
	require.True(t, found, before)
	s, _, found = strings.Cut(s, after)
	require.True(t, found, after)
	return s
}

// TestPlans requires that the statements use the indexes.
func TestPlans(t *testing.T) {
	db := openDB(t, dsn(filepath.Join(t.TempDir(), "a.sqlite")))
	newStore(t, db)
	for query, index := range map[string]string{
		"SELECT ver FROM sesame WHERE id = x'00'":                                                   "(id=?)",
		"SELECT id FROM sesame WHERE id > x'' AND exp > 5 ORDER BY id LIMIT 200":                    "(id>?)",
		"SELECT ver FROM sesame WHERE owner = x'00' AND id > x'' AND exp > 5 ORDER BY id LIMIT 200": "sesame_owner (owner=? AND id>?)",
		"DELETE FROM sesame WHERE owner = x'00' AND exp > 5":                                        "sesame_owner (owner=?)",
		"SELECT rowid FROM sesame WHERE slot <= 5 AND exp <= 5 LIMIT 200":                           "sesame_slot (slot<?)",
		"SELECT count(*) FROM sesame WHERE slot > 5":                                                "COVERING INDEX sesame_slot (slot>?)",
		"SELECT count(*) FROM sesame WHERE slot = 5 AND exp > 5":                                    "sesame_slot (slot=?)",
	} {
		var id, parent, unused int
		var plan string
		require.NoError(t, db.QueryRow("EXPLAIN QUERY PLAN "+query).Scan(&id, &parent, &unused, &plan))
		assert.Contains(t, plan, index, query)
	}
}

// TestTables keeps two applications in one file, one of them in an attached
// database.
func TestTables(t *testing.T) {
	dir := t.TempDir()
	db := openDB(t, dsn(filepath.Join(dir, "a.sqlite")))
	db.SetMaxOpenConns(1) // ATTACH is for one connection
	_, err := db.Exec("ATTACH ? AS auth", filepath.Join(dir, "b.sqlite"))
	require.NoError(t, err)
	a := newStore(t, db, sqlstore.WithTable("a_sessions"))
	b := newStore(t, db, sqlstore.WithTable("auth.sessions"))
	for s, data := range map[*sqlstore.Store]string{a: "a", b: "b"} {
		_, err := s.Save(t.Context(), key(1), record(data))
		require.NoError(t, err)
	}
	for s, data := range map[*sqlstore.Store]string{a: "a", b: "b"} {
		r, err := s.Load(t.Context(), key(1))
		require.NoError(t, err)
		assert.Equal(t, data, string(r.Data))
	}
}

// TestSweepAndTouch sweeps from two stores, at the moment at which Sweep may
// take a session, while others extend and save the same sessions. No call fails,
// and what was extended stays.
func TestSweepAndTouch(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sessions.sqlite")
	s := newTwo(t, file)
	sweeper := newTwo(t, file, sqlstore.WithClock(func() time.Time { return time.Now().Add(time.Hour) }))
	const n = 400
	var mu sync.Mutex
	alive := make(map[store.Key]bool)
	var done atomic.Bool
	var touchers, sweepers sync.WaitGroup
	later := time.Now().Add(time.Hour)
	swept := atomic.Int64{}
	for range 2 {
		sweepers.Go(func() {
			for !done.Load() {
				n, err := sweeper.Sweep(t.Context(), 10)
				if !assert.NoError(t, err) {
					return
				}
				swept.Add(int64(n))
			}
		})
	}
	for w := range 8 {
		touchers.Go(func() {
			for i := w; i < n; i += 8 {
				expires := time.Now().Add(time.Duration(i%16) * time.Millisecond)
				v, err := s.Save(t.Context(), key(i), store.Record{Expires: expires})
				if !assert.NoError(t, err) {
					return
				}
				time.Sleep(time.Until(expires) - time.Millisecond)
				var ok bool
				if i%2 == 0 {
					assert.NoError(t, s.Touch(t.Context(), key(i), later))
					_, err = s.Load(t.Context(), key(i))
					ok = err == nil
				} else {
					_, err = s.Save(t.Context(), key(i), store.Record{Version: v, Expires: later})
					ok = err == nil
				}
				if err != nil {
					assert.True(t, errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotFound), "%v", err)
				}
				mu.Lock()
				alive[key(i)] = ok
				mu.Unlock()
			}
		})
	}
	touchers.Wait()
	time.Sleep(50 * time.Millisecond)
	done.Store(true)
	sweepers.Wait()
	rest, err := sweeper.Sweep(t.Context(), n)
	require.NoError(t, err)
	extended := 0
	for k, ok := range alive {
		_, err := s.Load(t.Context(), k)
		if ok {
			extended++
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, store.ErrNotFound)
			require.NotErrorIs(t, err, store.ErrExpired) // it is gone
		}
	}
	require.Equal(t, n, extended+int(swept.Load())+rest, fmt.Sprint(extended, swept.Load(), rest))
	t.Logf("extended=%d swept=%d", extended, int(swept.Load())+rest)
}
