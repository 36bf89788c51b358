package bench

import (
	"bytes"
	"net/http"

	"github.com/gorilla/sessions"
)

// authKey signs cookies; it is not a secret.
var authKey = bytes.Repeat([]byte("k"), 32)

const gorillaName = "session"

// gorillaSite is gorilla/sessions. A session is loaded by Get and saved by
// Save, which also sets the cookie; there is no idle timeout. It has no call
// for a new token: the record is deleted by a save with a negative age, and
// saved again without an ID.
func gorillaSite(s Session, store sessions.Store, closers ioClosers) Site {
	v, held := s.values(), new(gate)
	return httpSite{
		handlers: func(op Op) http.Handler {
			do := act(op, v, held)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer := ok
				if do != nil {
					session, _ := store.Get(r, gorillaName) // with an error a new one, as for a deleted session
					if op == Renew {
						age := session.Options.MaxAge
						session.Options.MaxAge = -1
						must(session.Save(r, w))
						w.Header().Del("Set-Cookie")
						session.ID, session.Options.MaxAge = "", age
					}
					answer = do(gorillaValues(session.Values))
					if op.saves() {
						must(session.Save(r, w))
					}
				}
				_, _ = w.Write(answer)
			})
		},
		close: closers.Close,
	}
}

type gorillaValues map[any]any

func (v gorillaValues) Get(key any) any    { return v[key] }
func (v gorillaValues) Set(key, value any) { v[key] = value }

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func openGorillaCookie(s Session, _ Place) (Site, error) {
	store := sessions.NewCookieStore(authKey)
	store.MaxAge(int(lifetime.Seconds()))
	return gorillaSite(s, store, nil), nil
}

func openGorillaFiles(s Session, p Place) (Site, error) {
	dir, err := p.dir()
	if err != nil {
		return nil, err
	}
	store := sessions.NewFilesystemStore(string(dir), authKey)
	store.MaxAge(int(lifetime.Seconds()))
	store.MaxLength(0)
	return gorillaSite(s, store, ioClosers{dir}), nil
}
