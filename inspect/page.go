package inspect

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"path"
	"time"
)

//go:embed pages
var pageFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// page is what a template shows.
type page struct {
	Root   string // the way to the overview: "./" or "../"
	Title  string
	Here   string // which entry of the menu this is
	Live   string // the query of its stream, "" for none
	Notice string // what was done
	Failed bool   // or what was not
	Body   any

	Nonce   string
	Host    string
	Version string // of the assets
	*inspector
}

// Process says which process this is.
func (p page) Process() string { return p.process }

// Uptime says since when it has kept events.
func (p page) Uptime() string { return period(time.Since(p.started)) }

// Keep is how many events of a kind it keeps.
func (p page) Keep() string { return number(p.keep) }

var functions = template.FuncMap{
	"ago": ago, "lasted": lasted, "clock": clock, "full": full, "period": period, "took": took,
	"number": number, "count": count, "visible": visible, "short": short, "whole": whole,
}

// short returns an ID shortened in the middle for the eye. What is copied, and
// read aloud, is the whole.
func short(id string) template.HTML {
	if len(id) < 8 {
		return template.HTML(template.HTMLEscapeString(id))
	}
	return template.HTML(`<code class="id">` + template.HTMLEscapeString(id[:4]) + `<span class="mid">` +
		template.HTMLEscapeString(id[4:len(id)-3]) + `</span>` + template.HTMLEscapeString(id[len(id)-3:]) + `</code>`)
}

func whole(id string) template.HTML {
	return template.HTML(`<code>` + template.HTMLEscapeString(id) + `</code>`)
}

var templates = parsePages()

// parsePages gives each page the layout, and the parts that pages share.
func parsePages() map[string]*template.Template {
	shared := template.Must(template.New("").Funcs(functions).ParseFS(pageFiles, "pages/layout.html", "pages/parts.html"))
	all := map[string]*template.Template{}
	for _, name := range []string{"overview", "sessions", "events", "session", "owner", "ended", "notfound"} {
		t := template.Must(shared.Clone())
		all[name] = template.Must(t.ParseFS(pageFiles, "pages/"+name+".html"))
	}
	return all
}

// render answers with a page.
func (i *inspector) render(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	p.inspector, p.Nonce, p.Host, p.Version = i, protect(w.Header()), visible(r.Host), assetVersion
	html, err := i.part(name, "layout.html", p)
	if err != nil {
		http.Error(w, "inspect: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(html) // an error means that the browser is gone
}

// part executes one of the templates that a page has.
func (i *inspector) part(name, part string, p page) ([]byte, error) {
	p.inspector = i
	var b bytes.Buffer
	err := templates[name].ExecuteTemplate(&b, part, p)
	return b.Bytes(), err
}

// assetVersion changes with the assets, so that browsers may keep them.
var assetVersion = hashAssets()

func hashAssets() string {
	h := sha256.New()
	for _, name := range []string{"style.css", "script.js", "icon.svg"} {
		b, err := assetFiles.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // they are part of the program
		}
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

var assetTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func serveAsset(w http.ResponseWriter, r *http.Request, name string) bool {
	b, err := assetFiles.ReadFile("assets/" + name)
	if name == "" || err != nil {
		return false
	}
	h := w.Header()
	h.Set("Content-Type", assetTypes[path.Ext(name)])
	if r.FormValue("v") == assetVersion {
		h.Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	_, _ = w.Write(b)
	return true
}
