package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

func (s *shop) account(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusOK, "account", s.orders.of(s.sessions.Get(r.Context()).User))
}

// orderEvents tells an open page of the account how its orders get on. The
// stream ends with the session, wherever that is ended.
func (s *shop) orderEvents(w http.ResponseWriter, r *http.Request) {
	live := s.sessions.Live(r.Context())
	user := s.sessions.Get(live).User
	if user == "" {
		w.WriteHeader(http.StatusNoContent) // tells an EventSource not to come back
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	// A log-in in another tab ends the stream too. By the time that the browser
	// opens it again it has the new cookie.
	fmt.Fprint(w, "retry: 2000\n\n") // milliseconds
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		status := make(map[int]string)
		for _, o := range s.orders.of(user) {
			status[o.Number] = o.Status()
		}
		data, err := json.Marshal(status)
		if err != nil {
			return
		}
		fmt.Fprintf(w, "data: %s\n\n", data)
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-live.Done(): // signed out, or the page is closed
			return
		}
	}
}
