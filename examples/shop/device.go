package main

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// A Device is what helps a user to know it again on a list.
type Device struct{ Agent, Address string }

// deviceOf reads it from a request, behind a proxy from what that has added
// instead of RemoteAddr.
func deviceOf(r *http.Request) Device {
	agent := r.UserAgent()
	if len(agent) > 200 { // it is the client's, and kept with the session
		agent = agent[:200]
	}
	return Device{strings.ToValidUTF8(agent, ""), coarse(r.RemoteAddr)}
}

// coarse returns the network of an address: enough to tell home from abroad,
// and no record of where a person is.
func coarse(address string) string {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return ""
	}
	ip := at.Addr().Unmap()
	if ip.Is4() {
		b := ip.As4()
		return fmt.Sprintf("%d.%d.%d.x", b[0], b[1], b[2])
	}
	network, _ := ip.WithZone("").Prefix(48)
	return network.String()
}

// Name says in a few words what a User-Agent header means. Order matters: all
// browsers say Mozilla, Edge also says Chrome, and Chrome also says Safari.
func (d Device) Name() string {
	browser := firstIn(d.Agent, "Edg Edge", "OPR Opera", "Firefox", "Chrome", "Safari", "curl")
	system := firstIn(d.Agent, "iPhone", "iPad", "Android", "Windows", "Mac", "Linux")
	switch {
	case browser == "":
		return "A browser"
	case system == "":
		return browser
	}
	return browser + " on " + system
}

// firstIn returns the first of the words that is in the text, or what is said
// after it instead.
func firstIn(text string, words ...string) string {
	for _, word := range words {
		word, name, _ := strings.Cut(word, " ")
		if strings.Contains(text, word) {
			return cmp.Or(name, word)
		}
	}
	return ""
}
