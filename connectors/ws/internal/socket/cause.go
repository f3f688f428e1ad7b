package socket

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/flowrun/flowrun/runtime/duplex"
	"github.com/flowrun/flowrun/runtime/flow"
)

// Cause says in a word why the connection has ended, with err of Receive.
func (c *Conn) Cause(err error) flow.Cause {
	why := c.Parted()
	switch {
	case errors.Is(err, ErrPanicked):
		return flow.EndedFault
	case errors.Is(err, duplex.ErrAbandoned):
		return flow.EndedDrain
	case why != nil && (c.Said() || errors.Is(why.Cause, flow.ErrSlow)):
		return why.Why
	case errors.Is(err, os.ErrDeadlineExceeded): // of a write
		return flow.EndedSlow
	case isClosed(err):
		return flow.EndedByPeer
	case CutOff(err), isOf[net.Error](err), isOf[syscall.Errno](err), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return flow.EndedLost
	}
	return flow.EndedViolation
}

func isClosed(err error) bool {
	_, closed := Closed(err)
	return closed
}

func isOf[T error](err error) bool {
	var t T
	return errors.As(err, &t)
}
