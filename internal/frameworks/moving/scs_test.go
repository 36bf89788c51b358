package moving_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/alexedwards/scs/goredisstore"
	"github.com/alexedwards/scs/v2"
	"github.com/redis/go-redis/v9"

	"github.com/sesame-go/sesame"
)

var oldSCS *scs.SessionManager

func fromSCS(r *http.Request) (imp sesame.Import[Session], ok bool) {
	cookie, err := r.Cookie(oldSCS.Cookie.Name)
	if err != nil {
		return imp, false
	}
	imp.Token = cookie.Value // also if the session has moved already
	ctx, err := oldSCS.Load(r.Context(), cookie.Value)
	if err != nil || oldSCS.Token(ctx) == "" { // the store failed, or has no such session
		imp.Err = err
		return imp, false
	}
	imp.Session = Session{User: oldSCS.GetString(ctx, "user"), Visits: oldSCS.GetInt(ctx, "visits")}
	imp.Expires, imp.Remember = oldSCS.Deadline(ctx), oldSCS.Cookie.Persist
	imp.Forget = func(ctx context.Context) error {
		if ctx, err = oldSCS.Load(ctx, cookie.Value); err != nil {
			return err
		}
		return oldSCS.Destroy(ctx)
	}
	return imp, true
}

func startSCS(t *testing.T) (http.Handler, func()) {
	client := redis.NewClient(&redis.Options{Addr: redisAddress(t), DB: redisDatabase})
	oldSCS = scs.New()
	oldSCS.Store = goredisstore.New(client)
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		if err := oldSCS.RenewToken(r.Context()); err != nil {
			panic(err)
		}
		oldSCS.Put(r.Context(), "user", "ann")
		oldSCS.Put(r.Context(), "visits", 3)
		fmt.Fprint(w, "welcome")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, oldSCS.GetString(r.Context(), "user"), " ", oldSCS.GetInt(r.Context(), "visits"))
	})
	return oldSCS.LoadAndSave(mux), func() { client.Close() }
}
