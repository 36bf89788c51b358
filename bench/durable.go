package bench

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/sesame-go/sesame/bench/internal/measure"
	"github.com/sesame-go/sesame/store/logstore"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// embedded are the engines that keep everything in one file. All return from a save
// when it is on the disk.
var embedded = []struct {
	name string
	open func(p Place, sessions int) (engine, error)
}{
	{"logstore", openLogEngine},
	{"bbolt", openBoltEngine},
	{"sqlite", openSQLiteEngine},
	{"scs-sqlite", openSCSSQLiteEngine},
}

func openLogEngine(p Place, n int) (engine, error) {
	dir, err := p.dir()
	if err != nil {
		return nil, err
	}
	s, err := logstore.Open(filepath.Join(string(dir), "sessions.log"))
	if err != nil {
		return nil, err
	}
	return newStoreEngine(s, n, ioClosers{s, dir}), nil
}

func openBoltEngine(p Place, n int) (engine, error) {
	dir, err := p.dir()
	if err != nil {
		return nil, err
	}
	s, err := openBolt(filepath.Join(string(dir), "sessions.bolt"))
	if err != nil {
		return nil, err
	}
	return newStoreEngine(s, n, ioClosers{s, dir}), nil
}

func openSQLiteEngine(p Place, n int) (engine, error) {
	db, closers, err := p.sqlite()
	if err != nil {
		return nil, err
	}
	var ahead atomic.Int64 // a sweep leaves what expired less than an hour ago
	s := sqlstore.New(db, sqlstore.SQLite(), sqlstore.WithClock(func() time.Time {
		return time.Now().Add(time.Duration(ahead.Load()))
	}))
	if err := s.CreateTable(context.Background()); err != nil {
		return nil, err
	}
	e := newStoreEngine(s, n, append(ioClosers{s}, closers...))
	e.later = func() { ahead.Store(int64(2 * time.Hour)) }
	return e, nil
}

func openSCSSQLiteEngine(p Place, n int) (engine, error) {
	s, closers, err := p.scsSQLite()
	if err != nil {
		return nil, err
	}
	return newSCSEngine(s, n, closers), nil
}

// Durable measures durable saves in engines that keep everything in one file: a
// compare-and-swap of 300 bytes, by one writer and by 64 at once.
func (p Plan) Durable(w io.Writer, sessions int) error {
	if !chosen(p.Stores, "file") {
		return nil
	}
	for _, writers := range []int{1, 64} {
		_, _ = fmt.Fprintf(p.Progress, "durable saves, %d writers\n", writers)
		var subjects []measure.Subject
		var opened ioClosers
		for _, engine := range embedded {
			e, err := engine.open(p.Place, sessions)
			if err != nil {
				return fmt.Errorf("bench: %s: %w", engine.name, err)
			}
			opened = append(opened, e)
			if err := fill(e, sessions, inAnHour); err != nil {
				return fmt.Errorf("bench: %s: %w", engine.name, err)
			}
			s := &saver{e, make([]int, writers), sessions / writers}
			name := fmt.Sprintf("BenchmarkDurable/engine=%s/sessions=%d/writers=%d-%d", engine.name, sessions, writers, runtime.GOMAXPROCS(0))
			subjects = append(subjects, measure.Subject{Name: name, Run: s.run})
		}
		for i, slices := range measure.Rounds(subjects, p.Rounds, p.slice("file")) {
			for _, slice := range slices {
				fmt.Fprintf(w, "%s\t%d\t%.5g ns/op\n", subjects[i].Name, slice.N, slice.Per(float64(slice.Wall)))
			}
		}
		if err := opened.Close(); err != nil {
			return err
		}
	}
	return nil
}

func inAnHour() time.Time { return time.Now().Add(time.Hour) }

// saver saves sessions in turn. Each writer has its own, so that none is
// overtaken.
type saver struct {
	engine engine
	turns  []int // of each writer
	own    int   // sessions of each writer
}

func (s *saver) run(n int) {
	shared(len(s.turns), n, func(w int) {
		if err := s.engine.save(w*s.own+s.turns[w]%s.own, inAnHour()); err != nil {
			panic(err)
		}
		s.turns[w]++
	})
}
