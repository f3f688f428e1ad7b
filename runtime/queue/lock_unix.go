//go:build unix

package queue

import (
	"os"

	"golang.org/x/sys/unix"
)

// tryLock reports whether nobody else has the file's lock. It goes with the process.
func tryLock(f *os.File) bool {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}

// writable says why the process cannot make files in a directory.
func writable(dir string) error { return unix.Access(dir, unix.W_OK|unix.X_OK) }

// isRemoved reports whether a file has no name any more.
func isRemoved(f *os.File) bool {
	var info unix.Stat_t
	return unix.Fstat(int(f.Fd()), &info) == nil && info.Nlink == 0
}
