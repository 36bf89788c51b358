package documented

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store/dirstore"
	"github.com/sesame-go/sesame/store/logstore"
	"github.com/sesame-go/sesame/store/sqlstore"
)

type Session struct{ User string }

// noDriver stands for a database: which driver, the user decides.
type noDriver struct{}

func (noDriver) Connect(context.Context) (driver.Conn, error) { return nil, errors.New("no driver") }
func (noDriver) Driver() driver.Driver                        { return nil }

func must[S any](s S, err error) S {
	if err != nil {
		panic(err)
	}
	return s
}

func Test(t *testing.T) {
	t.Chdir(t.TempDir())
	db := sql.OpenDB(noDriver{})
	defer db.Close()

	// The block.

	for _, sessions := range []*sesame.Manager[Session]{memory, file, directory} {
		cookie := sesametest.Cookie(t, sessions, Session{User: "ann"})
		if got, ok := sesametest.Session(t, sessions, cookie); !ok || got.User != "ann" {
			t.Errorf("got %+v, %t", got, ok)
		}
	}
	for _, sessions := range []*sesame.Manager[Session]{sqlite, postgres} {
		if _, err := sessions.Find(t.Context(), "AAAAAAAAAAAAAAAAAAAAAA"); !errors.Is(err, sesame.ErrStore) {
			t.Errorf("without a database: %v", err)
		}
	}
}
