package main

import (
	_ "embed"
	"html/template"
	"log"
	"net/http"
	"os"

	"github.com/sesame-go/sesame"
)

//go:embed page.html
var source string

var pages = template.Must(template.New("").Parse(source))

// A page is what the template shows.
type page struct {
	Times   int
	Session string // its ID, a name that is no secret
	Device  sesame.Device
	place
}

// Process is for a reader who wants to kill it.
func (page) Process() int { return os.Getpid() }

func render(w http.ResponseWriter, p page) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := pages.Execute(w, p); err != nil {
		log.Print(err) // most likely the browser is gone
	}
}
