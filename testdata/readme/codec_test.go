package documented

import (
	"testing"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/codec"
	"github.com/sesame-go/sesame/sesametest"
	"github.com/sesame-go/sesame/store/memstore"
)

type Session struct{ User string }

// The block.

func Test(t *testing.T) {
	cookie := sesametest.Cookie(t, sessions, Session{User: "ann"})
	if got, ok := sesametest.Session(t, sessions, cookie); !ok || got.User != "ann" {
		t.Errorf("got %+v, %t", got, ok)
	}
}
