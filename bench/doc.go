// Package bench compares sesame with other session libraries, in one process
// and in turns, and its stores with other engines. It is a module of its own,
// so that no other module needs those libraries.
//
//	go run ./cmd/compare -help
//	go test -run '^$' -bench Compare/lib=scs/store=memory/op=read .
//	go test -run '^$' -bench Embedded .
//
// The sessions that are measured are in session.go: put your own there.
package bench
