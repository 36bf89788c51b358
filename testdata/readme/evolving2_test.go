package documented

import (
	"math"
	"testing"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/sesametest"
)

type session1 struct {
	User  string
	Price float64
}

type Session struct {
	User  string
	Price int
}

var sessions = sesame.New[Session](
	sesame.WithUpgrade(2, func(old session1) Session {
		return Session{User: old.User, Price: int(math.Round(old.Price * 100))}
	}),
)

// The block.
