package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
)

// providerLogOut is called by the provider itself when a user has logged out
// there (OpenID Connect Back-Channel Logout 1.0). There is no browser and no
// cookie: all sessions of the user end.
func (s *shop) providerLogOut(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	owner, err := s.provider.loggedOut(ctx, r.PostFormValue("logout_token"))
	if err != nil {
		log.Print(err)
		http.Error(w, "this is no valid logout_token", http.StatusBadRequest)
		return
	}
	n, err := s.sessions.RevokeOwner(ctx, owner)
	if err != nil { // the provider may try again
		s.fail(w, err)
		return
	}
	log.Printf("%s has logged out at %s, %d sessions ended", owner, s.provider.name, n)
}

// loggedOut returns whom a logout token names. The verifier checks signature,
// issuer, audience and expiry, as of an ID token. What remains is to tell the
// two apart (section 2.6 of the standard).
func (p *provider) loggedOut(ctx context.Context, raw string) (owner string, err error) {
	token, err := p.verifier.Verify(ctx, raw)
	if err != nil {
		return "", err
	}
	var claims struct {
		Events map[string]json.RawMessage `json:"events"`
		Nonce  *string                    `json:"nonce"`
	}
	if err := token.Claims(&claims); err != nil {
		return "", err
	}
	_, isLogOut := claims.Events["http://schemas.openid.net/event/backchannel-logout"]
	switch {
	case !isLogOut, claims.Nonce != nil:
		return "", errors.New("the token is an ID token, not a logout token")
	case token.Subject == "":
		return "", errors.New("the logout token names no user")
	}
	return ownerOf(token.Issuer, token.Subject), nil
}
