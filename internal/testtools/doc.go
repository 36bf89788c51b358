// Package testtools is a module with what the tests of several stores use:
// [github.com/sesame-go/sesame/internal/testtools/faultproxy], a network that
// fails, [github.com/sesame-go/sesame/internal/testtools/lincheck], a check for
// linearizability, and
// [github.com/sesame-go/sesame/internal/testtools/devices], what a manager
// promises of an owner's sessions. It is a module of its own so that users of
// sesame do not download the checker.
package testtools
