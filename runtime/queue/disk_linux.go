package queue

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData waits until what was written, and the file's length, are on the disk.
func syncData(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }
