// Package filelock locks files against other processes, for the stores that
// keep their sessions in files.
package filelock

import "os"

// Try locks f, or reports that another open file of the same name is locked,
// in this process or in another. The lock belongs to the open file: it goes by
// [Close], and when the process ends, however it does. So f must stay
// referenced, and the file must not be removed: two processes would then hold
// two locks of one name.
//
// Where the system has no such locks the error wraps errors.ErrUnsupported.
func Try(f *os.File) (bool, error) { return try(f) }

// Close gives up the lock, if f has it, and closes f.
func Close(f *os.File) error { return closeFile(f) }
