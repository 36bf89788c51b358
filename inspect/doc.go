/*
Package inspect is a page for the operators of a program: how many sessions
live, what happens to them, how the store does, and what one session holds. It
ends sessions too.

	sessions := sesame.New[Session]()
	mux := http.NewServeMux()
	mux.Handle("/inspect/", inspect.Handler(sessions, inspect.Allow(isOperator)))

The page shows what users have in their sessions, and ends them, so [Allow]
decides who may see it: without it [Handler] panics. Fields with the tag
sesame:"secret" are hidden, at every level; tokens are never there to be shown.

Everything works without JavaScript, by reloading; with it, the page keeps
itself up to date by server-sent events. Nothing is loaded from elsewhere.

# What is kept

Events are kept in the memory of the process, from the moment that Handler is
called: the latest 500 of each kind, see [KeepEvents], and an hour of figures.
The page says so. Each of several processes shows its own events, and is marked
with its host name and process ID; sessions are those of the store, whichever
process they came from.

The store is asked how many sessions live every 5 seconds at most, while a page
is open, if its engine counts them; otherwise when an operator asks. Lists are
cut at 1,000 sessions, in pages of 50: others are found by owner or ID.
*/
package inspect
