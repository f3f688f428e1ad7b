// Package rfc6455 is how WebSocket looks on the wire: the frames of RFC 6455,
// well-formed or not, what is wrong with one, and the key of the handshake.
// Peers of tests and the load generator talk with it. It knows no connections:
// it writes to slices and reads from them, or from a reader, and allocates
// nothing but what it appends.
package rfc6455

import (
	"crypto/sha1" //nolint:gosec // RFC 6455 asks for it
	"encoding/base64"
)

// Accept is the Sec-WebSocket-Accept that answers a Sec-WebSocket-Key.
func Accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // see above
	return base64.StdEncoding.EncodeToString(sum[:])
}
