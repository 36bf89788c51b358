package dirstore_test

import (
	"syscall"
	"testing"

	"github.com/sesame-go/sesame/internal/processtest"
)

// TestFullDisk fills a file system. Where none can be mounted, TestLargeFile alone
// shows what becomes of a write that fails.
func TestFullDisk(t *testing.T) {
	dir, ok := processtest.Disk(t, "256k")
	if !ok {
		return
	}
	fillUp(t, open(t, dir), syscall.ENOSPC)
}
