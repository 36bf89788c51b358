package main

import (
	"github.com/labstack/echo/v5"
	"github.com/sesame-go/sesame"
	sesameecho "github.com/sesame-go/sesame/adapters/echo"
)

type session struct{ Times int }

var sessions = sesame.New[session]()

func main() {
	e := echo.New()
	e.Use(sesameecho.Sessions(sessions))
}
