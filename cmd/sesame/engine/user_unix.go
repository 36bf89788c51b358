//go:build unix

package engine

import (
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// otherUser returns whose a file is, if root runs the program and it is not
// root's.
func otherUser(info fs.FileInfo) (name string, other bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 || stat.Uid == 0 {
		return "", false
	}
	id := strconv.FormatUint(uint64(stat.Uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username, true
	}
	return "'#" + id + "'", true // as sudo takes it
}
