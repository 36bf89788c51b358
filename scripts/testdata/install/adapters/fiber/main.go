package main

import (
	"github.com/gofiber/fiber/v3"
	"github.com/sesame-go/sesame"
	sesamefiber "github.com/sesame-go/sesame/adapters/fiber"
)

type session struct{ Times int }

var sessions = sesame.New[session]()

func main() {
	app := fiber.New()
	app.Use(sesamefiber.Sessions(sessions))
}
