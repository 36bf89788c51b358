//go:build unix

package dirstore

import "syscall"

// nonblock keeps the opening of a file that is a pipe from waiting for a writer.
const nonblock = syscall.O_NONBLOCK
