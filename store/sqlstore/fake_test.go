package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"sync"
)

// A fake is a database that changes one row with each statement, has none to
// select, and remembers what it was told. fail, if set, decides what fails.
type fake struct {
	fail func(what string) error

	mu      sync.Mutex
	lines   []string
	conns   []*fakeConn
	watched bool // the last query had a context that can end
}

// kill breaks all connections: they fail with err.
func (f *fake) kill(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.dead = err
	}
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

func (f *fake) Connect(context.Context) (driver.Conn, error) {
	c := &fakeConn{f: f}
	f.mu.Lock()
	f.conns = append(f.conns, c)
	f.mu.Unlock()
	return c, f.do("connect")
}

type fakeConn struct {
	f      *fake
	dead   error
	failed bool
}

func (c *fakeConn) do(what string) error {
	if err := c.f.do(what); err != nil {
		return err
	}
	c.failed = c.dead != nil
	return c.dead
}

func (c *fakeConn) Prepare(text string) (driver.Stmt, error) {
	return &fakeStmt{c, text}, c.do("prepare " + text)
}
func (c *fakeConn) Begin() (driver.Tx, error)  { return c, c.do("begin") }
func (c *fakeConn) Commit() error              { return c.do("commit") }
func (c *fakeConn) Rollback() error            { return c.do("rollback") }
func (c *fakeConn) Close() error               { return c.f.do("disconnect") }
func (c *fakeConn) IsValid() bool              { return !c.failed }
func (c *fakeConn) Ping(context.Context) error { return c.do("ping") }

type fakeStmt struct {
	c    *fakeConn
	text string
}

func (s *fakeStmt) NumInput() int { return strings.Count(s.text, "?") + strings.Count(s.text, "$") }
func (s *fakeStmt) Close() error  { return s.c.f.do("close " + s.text) }

func (s *fakeStmt) Exec([]driver.Value) (driver.Result, error) {
	return driver.RowsAffected(1), s.c.do("exec " + s.text)
}

func (s *fakeStmt) Query([]driver.Value) (driver.Rows, error) { panic("QueryContext is there") }

func (s *fakeStmt) QueryContext(ctx context.Context, _ []driver.NamedValue) (driver.Rows, error) {
	s.c.f.mu.Lock()
	s.c.f.watched = ctx.Done() != nil
	s.c.f.mu.Unlock()
	return fakeRows{}, s.c.do("query " + s.text)
}

// fakeRows is an empty result.
type fakeRows struct{}

func (fakeRows) Columns() []string {
	return []string{"id", "ver", "exp", "slot", "owner", "data", "crc"}
}
func (fakeRows) Close() error              { return nil }
func (fakeRows) Next([]driver.Value) error { return io.EOF }

var errFake = errors.New("the database is ill")
