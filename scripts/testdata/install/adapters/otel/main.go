package main

import (
	"github.com/sesame-go/sesame"
	sesameotel "github.com/sesame-go/sesame/adapters/otel"
	"github.com/sesame-go/sesame/store/memstore"
)

type session struct{ Times int }

var sessions = sesame.New[session](
	sesame.WithStore(sesameotel.Store(memstore.New())),
	sesame.WithObserver(sesameotel.Observer()),
)

func main() { _ = sessions }
