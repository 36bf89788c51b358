//go:build !unix

package dirstore

const nonblock = 0
