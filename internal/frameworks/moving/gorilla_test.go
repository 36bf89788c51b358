package moving_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/boj/redistore"
	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
	"github.com/stretchr/testify/require"

	"github.com/sesame-go/sesame"
)

var (
	oldCookies   *sessions.CookieStore
	oldRediStore *redistore.RediStore
)

func fromGorilla(r *http.Request) (imp sesame.Import[Session], ok bool) {
	s, err := oldCookies.New(r, "session")
	if err != nil || s.IsNew {
		return imp, false // no cookie, or a forged one, or one that is too old
	}
	cookie, _ := r.Cookie("session")
	imp.Token, imp.Expires, imp.Remember = cookie.Value, lastOld, true
	imp.Session.User, _ = s.Values["user"].(string)
	imp.Session.Visits, _ = s.Values["visits"].(int)
	return imp, true
}

func fromRediStore(r *http.Request) (imp sesame.Import[Session], ok bool) {
	s, err := oldRediStore.New(r, "session")
	if cookie, _ := r.Cookie("session"); cookie != nil {
		imp.Token = cookie.Value // also if the session has moved already
	}
	if errors.As(err, new(securecookie.Error)) {
		return imp, false // a forged cookie, or one that is too old
	}
	if err != nil || s.IsNew { // Redis failed, or has no such session
		imp.Err = err
		return imp, false
	}
	imp.Expires, imp.Remember = lastOld, true
	imp.Session.User, _ = s.Values["user"].(string)
	imp.Session.Visits, _ = s.Values["visits"].(int)
	imp.Forget = func(ctx context.Context) error {
		s.Options.MaxAge = -1 // deletes it
		return s.Save(r.WithContext(ctx), httptest.NewRecorder())
	}
	return imp, true
}

var authenticationKey = securecookie.GenerateRandomKey(32)

func startGorilla(*testing.T) (http.Handler, func()) {
	oldCookies = sessions.NewCookieStore(authenticationKey)
	return gorillaProgram(oldCookies), func() {}
}

func startRediStore(t *testing.T) (http.Handler, func()) {
	var err error
	oldRediStore, err = redistore.NewRediStoreWithDB(10, "tcp", redisAddress(t), "", "", strconv.Itoa(redisDatabase), authenticationKey)
	require.NoError(t, err)
	return gorillaProgram(oldRediStore), func() { oldRediStore.Close() }
}

func gorillaProgram(store sessions.Store) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		s, _ := store.Get(r, "session")
		s.Values["user"], s.Values["visits"] = "ann", 3
		if err := s.Save(r, w); err != nil {
			panic(err)
		}
		fmt.Fprint(w, "welcome")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s, _ := store.Get(r, "session")
		user, _ := s.Values["user"].(string)
		visits, _ := s.Values["visits"].(int)
		fmt.Fprint(w, user, " ", visits)
	})
	return mux
}
