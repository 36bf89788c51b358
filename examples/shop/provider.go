package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// A provider is another site that says who a user is, by OpenID Connect.
type provider struct {
	name     string // on the button
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
}

// newProvider asks the issuer for its addresses and keys.
func newProvider(ctx context.Context, issuer, client, secret, site string) (*provider, error) {
	found, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(issuer)
	if err != nil {
		return nil, err
	}
	return &provider{
		name: u.Hostname(),
		oauth: oauth2.Config{
			ClientID: client, ClientSecret: secret, Endpoint: found.Endpoint(),
			RedirectURL: site + "/oidc/callback", Scopes: []string{oidc.ScopeOpenID, "profile"},
		},
		verifier: found.Verifier(&oidc.Config{ClientID: client}),
	}, nil
}

// An Exchange is a log-in at the provider that this browser has begun. It is
// kept in the session until the browser comes back.
type Exchange struct {
	State    string // comes back with the browser: it was this one that began
	Nonce    string // comes back in the ID token: that was made for this exchange
	Verifier string // of PKCE: the code is worth nothing without it
	Next     string // where the user wanted to go
}

func (s *shop) providerLogIn(w http.ResponseWriter, r *http.Request) {
	e := &Exchange{
		State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		Next: safeNext(r.PostFormValue("next")),
	}
	s.sessions.Get(r.Context()).Exchange = e
	http.Redirect(w, r, s.provider.oauth.AuthCodeURL(e.State, oidc.Nonce(e.Nonce), oauth2.S256ChallengeOption(e.Verifier),
		// A user who was last asked for a password long ago is asked again.
		oauth2.SetAuthURLParam("max_age", strconv.Itoa(int(s.freshFor.Seconds())))), http.StatusSeeOther)
}

func (s *shop) providerCallback(w http.ResponseWriter, r *http.Request) {
	e, err := s.takeExchange(r.Context(), r.FormValue("state"))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if problem := r.FormValue("error"); problem != "" { // such as access_denied
		s.refuse(w, r, fmt.Errorf("the provider says %q", problem))
		return
	}
	user, err := s.provider.user(r.Context(), r.FormValue("code"), e, s.freshFor)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.signIn(r, user, false)
	http.Redirect(w, r, e.Next, http.StatusSeeOther)
}

var errState = errors.New("the state is not that of a log-in which this browser has begun")

// takeExchange returns the exchange that this browser has begun, once. A state
// that is replayed, made up, or another browser's finds nothing, and leaves the
// exchange that is under way alone.
func (s *shop) takeExchange(ctx context.Context, state string) (e Exchange, err error) {
	err = s.sessions.Update(ctx, func(session *Session) error {
		if session.Exchange == nil || session.Exchange.State != state {
			return errState
		}
		e, session.Exchange = *session.Exchange, nil
		return nil
	})
	return e, err
}

// user trades the code for an ID token and returns whom that names.
func (p *provider) user(ctx context.Context, code string, e Exchange, freshFor time.Duration) (account, error) {
	tokens, err := p.oauth.Exchange(ctx, code, oauth2.VerifierOption(e.Verifier))
	if err != nil {
		return account{}, err
	}
	raw, _ := tokens.Extra("id_token").(string)
	token, err := p.verifier.Verify(ctx, raw) // signature, issuer, audience, expiry
	if err != nil {
		return account{}, err
	}
	if token.Nonce != e.Nonce {
		return account{}, errors.New("the ID token was made for another exchange")
	}
	var claims struct {
		Name     string `json:"name"`
		AuthTime int64  `json:"auth_time"`
	}
	if err := token.Claims(&claims); err != nil {
		return account{}, err
	}
	const leeway = time.Minute // for clocks that differ
	if time.Since(time.Unix(claims.AuthTime, 0)) > freshFor+leeway {
		return account{}, errors.New("the provider has not asked for the password again")
	}
	return account{ID: ownerOf(token.Issuer, token.Subject), Name: cmp.Or(claims.Name, "friend")}, nil
}

// ownerOf names a user of a provider. A subject alone is not unique, and with
// the issuer it may be longer than an owner can be, 255 bytes.
func ownerOf(issuer, subject string) string {
	sum := sha256.Sum256([]byte(issuer + "\n" + subject))
	return "oidc-" + hex.EncodeToString(sum[:16])
}

// refuse offers the log-in again. What went wrong is for the log.
func (s *shop) refuse(w http.ResponseWriter, r *http.Request, err error) {
	log.Print(err)
	s.render(w, r, http.StatusBadRequest, "login", logInForm{
		Next: "/", Problem: "You are not signed in: " + s.provider.name + " and this browser do not agree. Please try again.",
	})
}
