package main

import (
	"connectrpc.com/connect"
	"github.com/sesame-go/sesame"
	sesameconnect "github.com/sesame-go/sesame/adapters/connect"
)

type session struct{ Times int }

var sessions = sesame.New[session]()

func main() { _ = connect.WithInterceptors(sesameconnect.Sessions(sessions)) }
