package inspect

import (
	"net/http"
	"strings"

	"github.com/sesame-go/sesame/store"
)

// route finds the page by the end of the path, since what comes before is where
// the program has mounted the handler.
func (i *inspector) route(w http.ResponseWriter, r *http.Request) {
	above, last := "", r.URL.Path
	if at := strings.LastIndexByte(last, '/'); at >= 0 {
		above, last = last[:at], last[at+1:]
	}
	above = above[strings.LastIndexByte(above, '/')+1:]
	pages := map[string]http.HandlerFunc{
		"": i.showOverview, "sessions": i.showSessions, "events": i.showEvents, "live": i.stream,
	}
	if r.Method == http.MethodPost {
		pages = map[string]http.HandlerFunc{"search": i.search, "end": i.end, "count": i.count}
	}
	k, err := store.ParseKey(last)
	switch show, ok := pages[last]; {
	case ok:
		show(w, r)
	case r.Method == http.MethodPost:
		i.notFound(w, r, "./", "There is no such form.")
	case serveAsset(w, r, last):
	case above == "session" && err == nil:
		i.showSession(w, r, k)
	case above == "owner" && err == nil:
		i.showOwner(w, r, k)
	case above == "session" || above == "owner":
		i.notFound(w, r, "../", "That is not a session's ID, which has 22 characters.")
	default:
		i.notFound(w, r, "./", "There is no such page.")
	}
}

func (i *inspector) notFound(w http.ResponseWriter, r *http.Request, root, why string) {
	i.render(w, r, http.StatusNotFound, "notfound", page{Root: root, Title: "Not found", Body: why})
}
