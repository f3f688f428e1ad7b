//go:build unix

package ports

import (
	"os"

	"golang.org/x/sys/unix"
)

// tryLock locks an open file against everyone else who opens it, until it is
// closed.
func tryLock(f *os.File) bool { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil }
