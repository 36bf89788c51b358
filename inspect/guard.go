package inspect

import (
	"crypto/rand"
	"net/http"
)

// guard asks Allow, refuses what other sites send, and sets the headers that
// every answer has.
func (i *inspector) guard(next http.Handler) http.Handler {
	forms := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		if !i.allow(r) {
			i.refused.ServeHTTP(w, r)
			return
		}
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'") // but for pages, see protect
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin") // no-referrer would send forms with Origin: null
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost {
			h.Set("Allow", "GET, HEAD, POST")
			http.Error(w, "inspect: this page knows GET and POST", http.StatusMethodNotAllowed)
			return
		}
		if why := crossSite(forms, r); why != "" {
			http.Error(w, why, http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 4096)
		next.ServeHTTP(w, r)
	})
}

// crossSite says why a request may come from another site, "" if it does not.
//
// http.CrossOriginProtection admits a form without Sec-Fetch-Site and Origin,
// since programs send none. Browsers always send one of them with a form, so here
// such a form was stripped on its way, and cannot be told from another site's.
func crossSite(forms *http.CrossOriginProtection, r *http.Request) string {
	site, mode := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Sec-Fetch-Mode")
	switch {
	case forms.Check(r) != nil:
		return "inspect: this form comes from another site, or a proxy before the program changes Host: let it pass Host"
	case r.Method == http.MethodPost && site == "" && r.Header.Get("Origin") == "":
		return "inspect: this form has neither Sec-Fetch-Site nor Origin; if a proxy in front of the program removes them, let it pass Origin and Host"
	case (site == "cross-site" || site == "same-site") && mode != "navigate":
		return "inspect: another site asks for a part of this page"
	}
	return ""
}

// protect sets the Content-Security-Policy of a page, which loads the scripts and
// styles with the nonce alone, and returns that.
func protect(h http.Header) (nonce string) {
	nonce = rand.Text()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-"+nonce+"'; style-src 'nonce-"+nonce+"'; "+
		"img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	return nonce
}
