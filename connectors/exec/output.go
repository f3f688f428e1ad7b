package exec

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/flowrun/flowrun/runtime/nonblock"
)

const (
	// leftover is how long to wait for output that somebody else still could write
	// when the program has ended.
	leftover = 200 * time.Millisecond
	// longestPipe is how many bytes Linux lets a pipe hold: more than that is not the
	// program's when it has ended.
	longestPipe = 1 << 20
)

// output is a pipe that the program prints to. One goroutine reads it.
type output struct {
	*os.File
	ended bool // the program has, and so has the time to wait for others
	left  int  // bytes that may still be the program's then
}

// end is told that the program has ended.
func (o *output) end() { _ = o.SetReadDeadline(time.Now().Add(leftover)) } // see Read

// Read reads what the program prints, to its end, however late it comes to it: what the
// program has printed is in the pipe when it has ended. Somebody who is no part of the
// program may hold the pipe open then, and print on.
func (o *output) Read(buf []byte) (n int, err error) {
	if !o.ended {
		if n, err = o.File.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		o.ended, o.left = true, longestPipe
		_ = o.SetReadDeadline(time.Time{}) // nothing is waited for any more
	}
	if o.left <= 0 {
		return 0, io.EOF
	}
	pipe, err := o.SyscallConn()
	if err != nil {
		return 0, err
	}
	read := func(fd uintptr) bool {
		n, err = nonblock.Read(fd, buf)
		return true
	}
	if failed := pipe.Read(read); failed != nil {
		return 0, failed
	}
	if o.left -= n; errors.Is(err, nonblock.ErrAgain) {
		err = io.EOF
	}
	return n, err
}
