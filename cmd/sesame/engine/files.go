package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver of openSQLite

	"github.com/sesame-go/sesame/store/dirstore"
	"github.com/sesame-go/sesame/store/logstore"
	"github.com/sesame-go/sesame/store/sqlstore"
)

// files has the function that opens a store of each engine that is a file.
var files = map[string]func(ctx context.Context, e *Engine, at string, o opening) error{
	"log":    openLog,
	"dir":    openDirectory,
	"sqlite": openSQLite,
}

func openLog(_ context.Context, e *Engine, at string, o opening) error {
	if err := e.find(at, at, o); err != nil {
		return err
	}
	// The tool must not make room by dropping what the program has room for.
	s, err := logstore.Open(at, logstore.WithLogger(o.log), logstore.WithMaxSessions(math.MaxInt), logstore.WithMaxBytes(math.MaxInt64))
	if errors.Is(err, logstore.ErrLocked) {
		return fmt.Errorf("log:%s: a running program has the file open, and a log store is for one process. End sessions on that "+
			"program's own page (package inspect), or stop it first. To look only, copy the file and open the copy: "+
			"cp %[1]s copy.db; sesame log:copy.db ls", at)
	}
	if err != nil {
		return err
	}
	e.Store = s
	e.onClose(s.Close)
	return nil
}

func openDirectory(_ context.Context, e *Engine, at string, o opening) error {
	if err := e.find(at, filepath.Join(at, "format"), o); err != nil {
		return err
	}
	s, err := dirstore.Open(at, dirstore.WithLogger(o.log))
	if err != nil {
		return err
	}
	e.Store = s
	e.onClose(s.Close)
	return nil
}

// openSQLite takes a path, or a data source name of the driver, which begins with
// "file:".
func openSQLite(ctx context.Context, e *Engine, at string, o opening) error {
	u := &url.URL{}
	at, u.RawQuery, _ = strings.Cut(at, "?")
	opts, err := e.tableSetting(u)
	if err != nil {
		return err
	}
	source, named := strings.CutPrefix(at, "file:")
	path := source
	if slashes, found := strings.CutPrefix(source, "//"); found {
		path = slashes
	}
	e.Place = "sqlite:" + path
	if err := e.find(path, path, o); err != nil {
		return err
	}
	if e.Named = named; named {
		db, err := sql.Open("sqlite", at+"?"+u.RawQuery)
		if err != nil {
			return err
		}
		return e.openTable(ctx, db, sqlstore.SQLite(), o, opts)
	}
	if u.RawQuery != "" {
		return fmt.Errorf("sqlite:%s: %q is no setting of a path; give the program's data source name, as in sqlite:file:%s?_pragma=synchronous(FULL)",
			at, u.RawQuery, at)
	}
	s, err := sqlstore.OpenSQLite("sqlite", path, opts...)
	if err != nil {
		return err
	}
	e.Store = s
	e.onClose(s.Close)
	if e.DB, err = sql.Open("sqlite", path); err != nil {
		return err
	}
	e.onClose(e.DB.Close)
	return nil
}

// find notes where a store is, and refuses one whose sign is missing, unless it
// is to be created. It also refuses to act as root on another user's files: what
// the store writes would be root's, and the program could not open it.
func (e *Engine) find(path, sign string, o opening) error {
	e.Path = path
	info, err := os.Stat(sign)
	switch {
	case errors.Is(err, fs.ErrNotExist) && o.create:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return absent("%s: there is no store; see that the path is right", e.Place)
	case err != nil:
		return err
	}
	if user, other := otherUser(info); other {
		return fmt.Errorf("%s: the files are those of user %s, whose program could not open what root writes; run it as that user: "+
			"sudo -u %[2]s sesame …", e.Place, user)
	}
	return nil
}
