// Package testtools is a module of packages that the tests of several stores use:
// [github.com/sesame-go/sesame/internal/testtools/faultproxy], a proxy that makes
// the network fail, [github.com/sesame-go/sesame/internal/testtools/lincheck], a
// check for linearizability, and
// [github.com/sesame-go/sesame/internal/testtools/devicestest], tests of a manager's
// promises about the sessions of one owner, and streams to test Live with. It is a separate module so that users of
// sesame do not download the linearizability checker.
package testtools
