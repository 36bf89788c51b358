package main

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/inspect"
)

// password is for the operator's page, and another in each process. A program in
// production has its own log-in for its operators.
var password = rand.Text()

func operatorsPage(sessions *sesame.Manager[Session]) http.Handler {
	isOperator := func(r *http.Request) bool {
		_, given, _ := r.BasicAuth()
		return subtle.ConstantTimeCompare([]byte(given), []byte(password)) == 1
	}
	logIn := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="the operator's page"`)
		http.Error(w, "Any name, and the password that the server has printed.", http.StatusUnauthorized)
	})
	return inspect.Handler(sessions, inspect.Allow(isOperator), inspect.Refused(logIn))
}
