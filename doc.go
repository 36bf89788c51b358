/*
Package sesame gives net/http handlers typed sessions that save themselves.

Write a struct. The request's session is a pointer to one; change it, and it is
saved:

	type Session struct {
		Times int `sesame:"sum"` // concurrent requests add up
	}

	var sessions = sesame.New[Session]()

	func count(w http.ResponseWriter, r *http.Request) {
		s := sessions.Get(r.Context())
		s.Times++
		fmt.Fprintf(w, "%d times!\n", s.Times)
	}

	func main() {
		http.ListenAndServe("localhost:9090", sessions.Handler(http.HandlerFunc(count)))
	}

# Detecting change

A session is loaded when it is first asked for. sesame hashes the encoded struct
before and after the handler: only a session that changed is saved, and nested
maps, slices and pointers may be changed in place. Visitors whose session stays
the zero struct cost nothing: no record, no cookie.

# Concurrent requests

Concurrent requests on one session do not overwrite each other's changes. Each
save is a compare-and-swap against the version that its request loaded, and what
another request saved first is merged field by field. If both changed one field,
the later save wins and an [EventConflict] names the field, unless a tag says
how to combine them:

	Visits int      `sesame:"sum"`   // numbers, and maps of them: both changes are added
	Recent []string `sesame:"items"` // slices, and maps of them: what both added is kept

[Manager.Update] is for one-time values and for changes that depend on the value
that was there. A session that was ended by [Manager.Destroy] or
[Manager.Revoke] is never revived by a slower request.

# Logging in and out

Call [Manager.Renew] at every log-in, [Manager.Destroy] at log-out. Give the
struct a method Owner() string, and sessions can be listed and revoked by user.
[WithDeviceBinding] makes a stolen cookie worth ten minutes, in browsers that can.

# Stores and codecs

Sessions live in memory unless [WithStore] says otherwise. Packages under store
have the engines, package codec the encodings.
*/
package sesame
