//go:build !unix

package nonblock

import (
	"net"
	"syscall"
)

// Of finds nothing: sockets are read by calls that wait.
func Of(net.Conn) syscall.RawConn { return nil }

// Read is never called, since Of finds nothing.
func Read(uintptr, []byte) (int, error) { return 0, ErrAgain }

// Insist is never called, either.
func Insist(syscall.RawConn, []byte) (int, error) { return 0, nil }

func write(uintptr, []byte) (int, error) { return 0, nil }

// HasRoom cannot tell.
func HasRoom(net.Conn) bool { return false }

// HasBytes cannot tell.
func HasBytes(net.Conn) bool { return false }

// HasNews cannot tell.
func HasNews(net.Conn) bool { return false }
