//go:build !unix

package engine

import "io/fs"

// otherUser is for systems where files have no such users.
func otherUser(fs.FileInfo) (name string, other bool) { return "", false }
