package dirstore_test

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFullDisk fills a file system in memory, in a process with mounts of its
// own. Where the kernel does not allow such a process, TestLargeFile alone shows
// what becomes of a write that fails.
func TestFullDisk(t *testing.T) {
	mounts := func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
	}
	if !isSeparate(t) {
		attempt := exec.Command(os.Args[0], "-test.run", "^$")
		mounts(attempt)
		if err := attempt.Run(); err != nil {
			t.Logf("no file system can be mounted here: %v", err)
			return
		}
	}
	if !separate(t, mounts) {
		return
	}
	dir := t.TempDir()
	require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"))
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(dir, 0)) })
	fillUp(t, open(t, dir), syscall.ENOSPC)
}
