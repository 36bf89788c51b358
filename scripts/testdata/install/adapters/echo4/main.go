package main

import (
	"github.com/labstack/echo/v4"
	"github.com/sesame-go/sesame"
	sesameecho4 "github.com/sesame-go/sesame/adapters/echo4"
)

type session struct{ Times int }

var sessions = sesame.New[session]()

func main() {
	e := echo.New()
	e.Use(sesameecho4.Sessions(sessions))
}
