//go:build !unix

package socket

import "syscall"

// findRaw finds nothing: sockets are read by blocking calls.
func (c *Conn) findRaw() {}

// hasRoom and hasNews cannot be told.
func (*Conn) hasRoom() bool { return false }
func (*Conn) hasNews() bool { return false }

// atOnce is never made, since findRaw finds nothing.
type atOnce struct{}

func newAtOnce(syscall.RawConn) *atOnce { return nil }

func (*atOnce) write([]byte) (int, error) { return 0, nil }
