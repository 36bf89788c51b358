package main

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var static embed.FS

//go:embed pages
var sources embed.FS

// pages has a template for each file of the directory, within the layout.
var pages = parsePages()

func parsePages() map[string]*template.Template {
	layout := template.Must(template.New("layout.html").Funcs(template.FuncMap{"ago": ago, "in": in}).
		ParseFS(sources, "pages/layout.html", "pages/parts.html"))
	files, err := sources.ReadDir("pages")
	if err != nil {
		panic(err)
	}
	all := make(map[string]*template.Template)
	for _, file := range files {
		page := template.Must(template.Must(layout.Clone()).ParseFS(sources, path.Join("pages", file.Name())))
		all[strings.TrimSuffix(file.Name(), ".html")] = page
	}
	return all
}

// A page is what the layout shows around the data of its own.
type page struct {
	Session
	Path     string
	Messages []string
	InCart   int
	Admin    bool
	Password bool   // the user has one here, not at the provider
	Provider string // "" without one
	Data     any
}

// render answers with a page. The messages that were waiting are shown with it.
func (s *shop) render(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	ctx := r.Context()
	p := page{Path: r.URL.Path, Messages: s.takeFlash(ctx), Session: *s.sessions.Get(ctx), Data: data}
	p.InCart = count(p.Cart)
	user, ok := s.accounts.find(p.User)
	p.Admin, p.Password = user.Admin, ok
	if s.provider != nil {
		p.Provider = s.provider.name
	}
	var body bytes.Buffer
	if err := pages[name].Execute(&body, p); err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store") // no cache keeps a user's page
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // a browser that is gone needs no page
}

// fail answers a request that a store, or a template, has let down.
func (s *shop) fail(w http.ResponseWriter, err error) {
	log.Print(err)
	http.Error(w, "The shop cannot do this now. Please try again.", http.StatusServiceUnavailable)
}

// ago says in words how long ago t was.
func ago(t time.Time) string {
	d := time.Since(t)
	if d < time.Minute {
		return "just now"
	}
	return span(d) + " ago"
}

// in says in words how long it is until t.
func in(t time.Time) string { return "in " + span(time.Until(t)) }

func span(d time.Duration) string {
	units := []struct {
		name string
		time.Duration
	}{{"day", day}, {"hour", time.Hour}, {"minute", time.Minute}}
	for _, u := range units {
		switch n := int(d.Round(time.Minute) / u.Duration); {
		case n > 1:
			return fmt.Sprintf("%d %ss", n, u.name)
		case n == 1:
			return "1 " + u.name
		}
	}
	return "less than a minute"
}
