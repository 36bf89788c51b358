package documented

import (
	"math"
	"testing"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/sesametest"
)

// The block.

func Test(t *testing.T) {
	c := sesametest.OldCookie(t, sessions, 1, session1{User: "ann", Price: 0.29})
	if got, ok := sesametest.Session(t, sessions, c); !ok || got != (Session{"ann", 29}) {
		t.Errorf("got %+v, %t", got, ok)
	}
}
