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
//	failed := next(&x)                  // the handler's context is x
//	err := x.Failure()                  // Get could not load
//	if err == nil && failed {
//		err = x.Drop()
//	} else if err == nil {
//		err = x.Commit()
//	}
//	if err != nil {
//		// Discard what the handler wrote; answer with adapter.Status(err).
//	}
//	x.Begin(header, false)              // the token, Vary, no-store
//	x.Close(true, err != nil)
//
// The session is saved before the first byte of the response leaves, so that the
// client never sees an answer to something that is not stored, and its cookie goes
// out with it. Where a framework sends the header before the handler has returned,
// the adapter calls Commit and Begin at that moment, and Commit once more in the
// end.
//
// When the handler panics, nothing is saved or sent. The exception is the
// panic of the manager's own methods that have no error to return, see
// [Exchange.Caused]: it is a failed load, to be answered as an error.
//
// Package adaptertest checks an adapter against all of this.
package adapter
