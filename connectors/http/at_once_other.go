//go:build !unix

package http

import "net"

// atOnce is for systems where a socket can be written to without waiting.
type atOnce struct{}

func newAtOnce(net.Conn) *atOnce { return nil }

func (*atOnce) write([]byte) (int, error) { return 0, nil }
