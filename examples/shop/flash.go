package main

import "context"

// tell adds a message that the next page shows.
func (s *shop) tell(ctx context.Context, message string) {
	session := s.sessions.Get(ctx)
	session.Flash = append(session.Flash, message)
}

// takeFlash returns the messages and removes them, in one step: of two tabs
// that ask at once, one gets them.
func (s *shop) takeFlash(ctx context.Context) []string {
	var taken []string
	err := s.sessions.Update(ctx, func(session *Session) error {
		taken, session.Flash = session.Flash, nil
		return nil
	})
	if err != nil {
		return nil // they wait for the next page
	}
	return taken
}
