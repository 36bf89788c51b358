package main

import (
	"github.com/gin-gonic/gin"
	"github.com/sesame-go/sesame"
	sesamegin "github.com/sesame-go/sesame/adapters/gin"
)

type session struct{ Times int }

var sessions = sesame.New[session]()

func main() {
	e := gin.New()
	e.Use(sesamegin.Sessions(sessions))

}
