package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/coder/websocket"
)

// chat answers a member's questions over a WebSocket, which closes when the
// session ends. Accept refuses the pages of other sites.
func (s *shop) chat(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	live := s.sessions.Live(ctx)
	name := s.sessions.Get(ctx).Name
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	stop := context.AfterFunc(live, func() { conn.Close(websocket.StatusPolicyViolation, "signed out") })
	defer stop()

	for {
		_, question, err := conn.Read(ctx)
		if err != nil {
			return
		}
		// A question is use of the session; an open connection is not.
		if err := s.sessions.Save(ctx); err != nil {
			return
		}
		if err := conn.Write(ctx, websocket.MessageText, answer(name, string(question))); err != nil {
			return
		}
	}
}

func answer(name, question string) []byte {
	return fmt.Appendf(nil, "Thank you, %s. “%s” is a good question; we steep on it.", name, question)
}
