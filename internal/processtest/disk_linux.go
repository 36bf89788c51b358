package processtest

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// Disk returns a directory in a file system of its own, with room for size, such
// as "256k", and whether this is the process that sees it. Where the kernel allows
// no process with mounts of its own, none does, and the test's log says so.
func Disk(t *testing.T, size string) (dir string, ok bool) {
	t.Helper()
	mounts := func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
	}
	if !here(t) {
		attempt := exec.Command(os.Args[0], "-test.run", "^$")
		mounts(attempt)
		if err := attempt.Run(); err != nil {
			t.Logf("no file system can be mounted here: %v", err)
			return "", false
		}
	}
	if !Own(t, mounts) {
		return "", false
	}
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir, true
}
