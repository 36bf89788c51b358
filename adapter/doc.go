// Package adapter is what sesame's own Handler stands on. It is for authors of
// adapters, which bring sessions to a framework that is not built on net/http.
//
// A framework that can run an http.Handler needs no package: mount the manager's
// Handler. Adapters for gin, echo, fiber and connect are in the folder adapters.
//
// # One request
//
// An adapter is a middleware that goes through one [Exchange] per request:
//
//	var x adapter.Exchange
//	x.Open(ctx, sessions, request)
//	x.Call(func() { response = next(&x) })   // the handler's context is x
//	err := x.Commit(response.Status >= 500)
//	if err != nil {
//		// Discard the response; answer with adapter.Status(err).
//	}
//	x.Begin(response.Header, false)          // the token, Vary, no-store
//	x.Close(true, err != nil)
//
// The session is saved before the first byte of the response leaves, so that the
// client never sees an answer to something that is not stored, and its cookie goes
// out with it. Where a framework sends the header before the handler has returned,
// the adapter calls Commit and Begin at that moment, and Commit once more in the
// end.
//
// When the handler panics, nothing is saved, and nothing of it may be sent. If an
// error page is to be, call Begin for it: the token of what the handler had saved
// itself is due, since the old one is dead. The exception is the panic with which
// the manager's Get and its like report a session that could not be loaded: Call
// recovers from it, and Commit returns the error.
//
// Package adaptertest checks an adapter against all of this.
package adapter
