package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"sync"
)

// A fake is a database that answers that one row was changed and remembers what
// it was told. fail, if it is there, decides what fails.
type fake struct {
	fail func(what string) error

	mu    sync.Mutex
	lines []string
}

func (f *fake) do(what string) error {
	f.mu.Lock()
	f.lines = append(f.lines, what)
	f.mu.Unlock()
	if f.fail != nil {
		return f.fail(what)
	}
	return nil
}

// log returns what the database was told apart from prepare and close.
func (f *fake) log() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for _, line := range f.lines {
		if word, _, _ := strings.Cut(line, " "); word != "prepare" && word != "close" {
			lines = append(lines, line)
		}
	}
	return lines
}

// count returns how often the database was told something that begins so.
func (f *fake) count(prefix string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, line := range f.lines {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

func (f *fake) Driver() driver.Driver { return nil }

func (f *fake) Connect(context.Context) (driver.Conn, error) { return &fakeConn{f}, f.do("connect") }

type fakeConn struct{ f *fake }

func (c *fakeConn) Prepare(text string) (driver.Stmt, error) {
	return &fakeStmt{c.f, text}, c.f.do("prepare " + text)
}
func (c *fakeConn) Begin() (driver.Tx, error) { return c, c.f.do("begin") }
func (c *fakeConn) Commit() error             { return c.f.do("commit") }
func (c *fakeConn) Rollback() error           { return c.f.do("rollback") }
func (c *fakeConn) Close() error              { return c.f.do("disconnect") }

type fakeStmt struct {
	f    *fake
	text string
}

func (s *fakeStmt) NumInput() int { return strings.Count(s.text, "?") + strings.Count(s.text, "$") }
func (s *fakeStmt) Close() error  { return s.f.do("close " + s.text) }

func (s *fakeStmt) Exec([]driver.Value) (driver.Result, error) {
	return driver.RowsAffected(1), s.f.do("exec " + s.text)
}

func (s *fakeStmt) Query([]driver.Value) (driver.Rows, error) {
	return fakeRows{}, s.f.do("query " + s.text)
}

// fakeRows are none.
type fakeRows struct{}

func (fakeRows) Columns() []string         { return []string{"ver", "exp", "owner", "data"} }
func (fakeRows) Close() error              { return nil }
func (fakeRows) Next([]driver.Value) error { return io.EOF }

var errFake = errors.New("the database is ill")
