package bench

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/sesame-go/sesame/store"
	"github.com/sesame-go/sesame/store/logstore"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// engine is what the comparison needs of a store.
type engine interface {
	Load(ctx context.Context, k store.Key) (store.Record, error)
	Save(ctx context.Context, k store.Key, r store.Record) (uint64, error)
}

// BenchmarkEmbedded measures durable saves: compare-and-swap of 300 bytes, on
// the disk before it is answered, by one writer and by 64 at once.
func BenchmarkEmbedded(b *testing.B) {
	for _, e := range []struct {
		name string
		open func(dir string) (engine, io.Closer, error)
	}{
		{"logstore", func(dir string) (engine, io.Closer, error) {
			s, err := logstore.Open(filepath.Join(dir, "sessions.log"))
			return s, s, err
		}},
		{"bbolt", func(dir string) (engine, io.Closer, error) {
			s, err := openBolt(filepath.Join(dir, "sessions.bolt"))
			return s, s, err
		}},
		{"sqlite", openSQLite},
	} {
		for _, sessions := range []int{10_000, 1_000_000} {
			b.Run(fmt.Sprintf("engine=%s/sessions=%d", e.name, sessions), func(b *testing.B) {
				if sessions > 10_000 && testing.Short() {
					b.Skip("a million sessions take minutes to create; not with -short")
				}
				s, closer, err := e.open(b.TempDir())
				if err != nil {
					b.Fatal(err)
				}
				versions := fill(b, s, sessions)
				for _, writers := range []int{1, 64} {
					b.Run(fmt.Sprintf("op=save/writers=%d", writers), func(b *testing.B) { saves(b, s, versions, writers) })
				}
				b.Run("op=load", func(b *testing.B) {
					b.ReportAllocs()
					for i := 0; b.Loop(); i++ {
						if _, err := s.Load(b.Context(), key(i%sessions)); err != nil {
							b.Fatal(err)
						}
					}
				})
				if err := closer.Close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

type sqliteCloser struct {
	s  *sqlstore.Store
	db *sql.DB
}

func (c sqliteCloser) Close() error {
	if err := c.s.Close(); err != nil {
		return err
	}
	return c.db.Close()
}

func openSQLite(dir string) (engine, io.Closer, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "sessions.sqlite")+
		"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, nil, err
	}
	s := sqlstore.New(db, sqlstore.SQLite())
	return s, sqliteCloser{s, db}, s.CreateTable(context.Background())
}

func key(i int) store.Key {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
}

func record(version uint64) store.Record {
	return store.Record{Version: version, Expires: time.Now().Add(time.Hour), Data: make([]byte, 300)}
}

// fill creates sessions and returns their versions.
func fill(b *testing.B, s engine, sessions int) []uint64 {
	versions := make([]uint64, sessions)
	share(b, 64, sessions, func(_, i int) (err error) {
		versions[i], err = s.Save(b.Context(), key(i), record(0))
		return err
	})
	return versions
}

// saves saves sessions in turn. Each writer has its own, so that none is
// overtaken.
func saves(b *testing.B, s engine, versions []uint64, writers int) {
	turns := make([]int, writers)
	b.ReportAllocs()
	b.ResetTimer()
	share(b, writers, b.N, func(w, _ int) (err error) {
		i := (w + writers*turns[w]) % (len(versions) / writers * writers)
		turns[w]++
		versions[i], err = s.Save(b.Context(), key(i), record(versions[i]))
		return err
	})
}

// share has workers do n things among themselves.
func share(b *testing.B, workers, n int, do func(worker, i int) error) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := do(w, int(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
