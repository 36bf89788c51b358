package main

import (
	"net/http"
	"time"

	"github.com/sesame-go/sesame"
	"github.com/sesame-go/sesame/inspect"
	"github.com/sesame-go/sesame/store"
)

// maxDevices is how many devices a user may be signed in on.
const maxDevices = 5

type shop struct {
	sessions *sesame.Manager[Session]
	accounts *accounts
	orders   *orders
	provider *provider     // nil without one
	freshFor time.Duration // how long a password counts as just given
}

func newShop(st store.Store, users *accounts) *shop {
	return &shop{
		sessions: sesame.New[Session](sesame.WithStore(st), sesame.WithOwnerLimit(maxDevices)),
		accounts: users,
		orders:   new(orders),
		freshFor: 10 * time.Minute,
	}
}

func (s *shop) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /static/", http.FileServerFS(static))
	mux.HandleFunc("GET /{$}", s.front)
	mux.HandleFunc("GET /cart", s.cart)
	mux.HandleFunc("GET /cart/count", s.countCart)
	mux.HandleFunc("POST /cart/add", s.addToCart)
	mux.HandleFunc("POST /cart/remove", s.removeFromCart)
	mux.HandleFunc("POST /cart/buy", s.member(s.buy))

	mux.HandleFunc("GET /login", s.logInPage)
	mux.HandleFunc("POST /login", s.logIn)
	mux.HandleFunc("POST /logout", s.logOut)
	mux.HandleFunc("GET /confirm", s.member(s.confirmPage))
	mux.HandleFunc("POST /confirm", s.member(s.confirm))

	mux.HandleFunc("GET /account", s.member(s.account))
	mux.HandleFunc("GET /account/orders", s.orderEvents)
	mux.HandleFunc("GET /account/chat", s.member(s.chat))
	mux.HandleFunc("GET /password", s.fresh(s.passwordPage))
	mux.HandleFunc("POST /password", s.fresh(s.changePassword))

	mux.HandleFunc("GET /devices", s.member(s.devices))
	mux.HandleFunc("POST /devices/end", s.member(s.endDevice))
	mux.HandleFunc("POST /devices/end-others", s.member(s.endOtherDevices))

	mux.HandleFunc("GET /admin", s.admin(s.adminPage))
	mux.HandleFunc("POST /admin/end", s.admin(s.adminEnd))
	mux.HandleFunc("POST /admin/end-owner", s.admin(s.adminEndOwner))
	mux.HandleFunc("/admin/inspect/", s.admin(inspect.Handler(s.sessions, inspect.Allow(s.isAdmin)).ServeHTTP))

	if s.provider != nil {
		mux.HandleFunc("POST /oidc/login", s.providerLogIn)
		mux.HandleFunc("GET /oidc/callback", s.providerCallback)
		mux.HandleFunc("POST /oidc/logout", s.providerLogOut)
	}
	// Forms of other sites change nothing here: they neither log a user in or
	// out, nor buy.
	return http.NewCrossOriginProtection().Handler(secure(s.sessions.Handler(mux)))
}

// secure tells browsers to run no script, and show no frame, of another site.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; frame-ancestors 'none'")
		w.Header().Set("Referrer-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}
