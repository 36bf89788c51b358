// Package sesameotel shows sesame to operators through OpenTelemetry.
//
// [Observer] counts what happens to sessions, [LiveSessions] counts those that
// live, and [Store] wraps a store in spans and measures it:
//
//	sessions := sesame.New[Session](
//		sesame.WithStore(sesameotel.Store(engine)),
//		sesame.WithObserver(sesameotel.Observer()),
//	)
//	_, err := sesameotel.LiveSessions(sessions)
//
// All use the global providers unless they are told otherwise.
//
// # Metrics
//
//	sesame.session.created        {session}  counter
//	sesame.session.ended          {session}  counter, by sesame.session.end_reason:
//	                                         destroyed, revoked or expired
//	sesame.session.count          {session}  gauge
//	sesame.session.events         {event}    counter, by sesame.event.kind: the text
//	                                         of each sesame.EventKind
//	db.client.operation.duration  s          histogram, by db.operation.name,
//	                                         db.system.name, db.response.status_code
//	                                         and error.type
//
// Sessions that expire are counted when they are removed from the store, so an
// engine that removes them by itself, such as Redis, has none that ended so.
//
// # Spans and durations
//
// Names are those of OpenTelemetry's semantic conventions for databases, version
// 1.43.0. The operation is the store's method: load, save, touch, delete, all,
// owned, delete_owned, sweep, count, watch, ping. The status not_found, expired or
// conflict is an answer and no failure. A failure has the error.type corrupt,
// full, timeout (the context's deadline), canceled (the client has hung up), or
// what semconv.ErrorType makes of the error.
//
// A call outside of a trace, such as a look that the manager takes at the sessions
// of streams, has no span. A walk through sessions lasts as long as its caller
// takes, so its span does too; its duration is only the store's part.
//
// Metrics and spans have no token, no session ID and no owner. [WithIdentity] puts
// IDs and owners into spans.
package sesameotel
