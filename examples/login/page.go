package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"log"
	"net/http"

	"github.com/sesame-go/sesame"
)

//go:embed page.html
var source string

var pages = template.Must(template.New("").Parse(source))

type homePage struct {
	User     string
	Notice   string
	Here     string // ID of the session that asks
	Sessions []sesame.Entry[Session]
}

// render answers with a page, or with an error if there is one in the page.
func render(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, data); err != nil {
		log.Print(err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store") // no cache keeps a user's page
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // a browser that is gone needs no page
}
