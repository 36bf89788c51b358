// Package testtools is a module with what the tests of several stores use:
// [github.com/sesame-go/sesame/internal/testtools/faultproxy], a network that
// fails, and [github.com/sesame-go/sesame/internal/testtools/lincheck], a check
// for linearizability. It is a module of its own so that users of sesame do not
// download the checker.
package testtools
