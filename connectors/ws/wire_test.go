package ws

import (
	"encoding/binary"
	"slices"

	"github.com/flowrun/flowrun/tests/wire"
)

// plain appends a frame as servers send it.
func plain(dst []byte, opcode byte, payload []byte) []byte {
	dst = append(dst, wire.Fin|opcode)
	if n := len(payload); n < 126 {
		dst = append(dst, byte(n))
	} else {
		dst = binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	}
	return append(dst, payload...)
}

// closing is the payload of a close frame.
func closing(code uint16, reason string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, code), reason...)
}

// unmasked takes the payload of a frame of less than 64 KiB, as clients send
// it, from the start of p; ok is false when it is not whole.
func unmasked(p []byte) (payload, rest []byte, ok bool) {
	if len(p) < 2 {
		return nil, p, false
	}
	start, n := 2, int(p[1]&0x7f)
	if n == 126 && len(p) >= 4 {
		start, n = 4, int(binary.BigEndian.Uint16(p[2:]))
	}
	if end := start + 4 + n; end <= len(p) {
		payload = slices.Clone(p[start+4 : end])
		for i := range payload {
			payload[i] ^= p[start+i&3]
		}
		return payload, p[end:], true
	}
	return nil, p, false
}
