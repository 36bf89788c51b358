package main

import (
	"net/http"

	"github.com/sesame-go/sesame"
)

type session struct{ Times int }

var sessions = sesame.New[session]()

func main() {
	_ = http.ListenAndServe("localhost:9090", sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		sessions.Get(r.Context()).Times++
	})))
}
