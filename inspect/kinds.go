package inspect

import (
	"slices"

	"github.com/sesame-go/sesame/internal/lifecycle"
)

// A group of kinds is shown together.
type group struct {
	Name  string
	Kinds []kind
}

// A kind of event, and what it means.
type kind struct {
	Kind    lifecycle.Kind
	Meaning string
}

const trouble = "Trouble"

var groups = []group{
	{"Requests", []kind{
		{lifecycle.Loaded, "found by a request's cookie"},
		{lifecycle.Saved, "a change was stored"},
		{lifecycle.Touched, "only its expiry was moved"},
	}},
	{"Sessions", []kind{
		{lifecycle.Created, "stored for the first time"},
		{lifecycle.Renewed, "its token was replaced, as at log-in"},
		{lifecycle.Bound, "its browser has registered the device's key"},
		{lifecycle.Destroyed, "logged out"},
		{lifecycle.Revoked, "ended by an operator or a limit"},
		{lifecycle.Swept, "expired, and removed from the store"},
	}},
	{"Turned away", []kind{
		{lifecycle.UnknownToken, "a cookie that names no session"},
		{lifecycle.Expired, "asked for after its end"},
		{lifecycle.Superseded, "a token that was replaced just before"},
		{lifecycle.Gone, "ended or renewed during another request"},
		{lifecycle.Stale, "a good cookie without its device's proof"},
	}},
	{trouble, []kind{
		{lifecycle.StoreError, "the store failed"},
		{lifecycle.Conflict, "two requests changed one field"},
		{lifecycle.Dropped, "changes given up, because the request failed"},
		{lifecycle.Late, "a new token could not reach the client; not stored"},
		{lifecycle.Corrupt, "stored, but unreadable"},
		{lifecycle.Newer, "stored by a newer program"},
		{lifecycle.Ambiguous, "one request, several live sessions"},
		{lifecycle.Cacheable, "read after a cacheable response began"},
	}},
}

// groupOf returns the name of the group that a kind is in. One that is not known
// here is shown with the trouble.
func groupOf(k lifecycle.Kind) string {
	for _, g := range groups {
		if slices.ContainsFunc(g.Kinds, func(known kind) bool { return known.Kind == k }) {
			return g.Name
		}
	}
	return trouble
}

// grouped returns the groups with the kinds for which there is something, those
// that are not known here included, and the names of the others.
func grouped[V any](present map[lifecycle.Kind]V) (shown []group, absent []lifecycle.Kind) {
	known := map[lifecycle.Kind]bool{}
	for _, g := range groups {
		found := group{Name: g.Name}
		for _, k := range g.Kinds {
			known[k.Kind] = true
			if _, ok := present[k.Kind]; ok {
				found.Kinds = append(found.Kinds, k)
			} else {
				absent = append(absent, k.Kind)
			}
		}
		if g.Name == trouble {
			for k := range present {
				if !known[k] {
					found.Kinds = append(found.Kinds, kind{Kind: k})
				}
			}
		}
		if len(found.Kinds) > 0 {
			shown = append(shown, found)
		}
	}
	return shown, absent
}
