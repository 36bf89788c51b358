package documented

import (
	"log"
	"testing"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store/logstore"
)

type Session struct{ User string }

func Test(t *testing.T) {
	t.Chdir(t.TempDir())

	// The block.

	cookie := sesametest.Cookie(t, sessions, Session{User: "ann"})
	if got, ok := sesametest.Session(t, sessions, cookie); !ok || got.User != "ann" {
		t.Errorf("got %+v, %t", got, ok)
	}
}
