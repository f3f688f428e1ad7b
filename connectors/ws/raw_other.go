//go:build !unix

package ws

// findRaw finds nothing: sockets are read by blocking calls.
func (c *conn) findRaw() {}
