// Package frame is how WebSocket looks on the wire (RFC 6455 section 5): it reads the
// headers of frames and spells whole ones. It holds no connection, allocates nothing
// but what it appends, and every message passes it: what is small enough is inlined
// where it is called.
package frame

import (
	"encoding/binary"
	"math"
)

// Opcodes and header bits of RFC 6455 section 5.2.
const (
	Text   = 0x1
	Binary = 0x2
	Close  = 0x8
	Ping   = 0x9
	Pong   = 0xa

	Fin        = 0x80 // of the first byte: it is the last of its message
	RSV1       = 0x40 // of the first frame of a message: it is compressed (RFC 7692)
	OpcodeBits = 0x0f
	Masked     = 0x80 // of the second byte
	lenBits    = 0x7f
)

// maxHeader is the longest header of a frame: 2 bytes, 8 of length, 4 of mask.
const maxHeader = 14

// Header is the beginning of a frame.
type Header struct {
	First  byte   // fin, rsv and opcode
	Masked bool   // by Mask
	Size   int    // of the header itself
	Length uint64 // of the payload
	Mask   [4]byte
}

// Parse reads the header that p begins with; false when p is too short
// to hold it.
func Parse(p []byte) (h Header, ok bool) {
	if len(p) < 2 {
		return h, false
	}
	h.First, h.Masked, h.Size = p[0], p[1]&Masked != 0, 2
	switch n := p[1] & lenBits; n {
	case 126:
		if len(p) < 4 {
			return h, false
		}
		h.Length, h.Size = uint64(binary.BigEndian.Uint16(p[2:])), 4
	case 127:
		if len(p) < 10 {
			return h, false
		}
		h.Length, h.Size = binary.BigEndian.Uint64(p[2:]), 10
	default:
		h.Length = uint64(n)
	}
	if h.Masked {
		if len(p) < h.Size+4 {
			return h, false
		}
		copy(h.Mask[:], p[h.Size:])
		h.Size += 4
	}
	return h, true
}

// Total is the length of the whole frame, as far as an int64 reaches: a length
// beyond is malformed, and whoever reads the frame refuses it by its header.
func (h *Header) Total() int64 {
	if h.Length > math.MaxInt64-maxHeader {
		return math.MaxInt64
	}
	return int64(h.Length) + int64(h.Size)
}

// Opcode says what the frame holds.
func (h *Header) Opcode() byte { return h.First & OpcodeBits }

// Fin reports whether the frame is the last of its message.
func (h *Header) Fin() bool { return h.First&Fin != 0 }

// Control reports whether the frame is no message, nor part of one.
func (h *Header) Control() bool { return h.First&Close != 0 }

// Simple reports whether the frame is one as peers send it nearly always: a
// whole message in one frame, or a control frame; nothing reserved, nothing
// compressed.
func (h *Header) Simple() bool {
	switch h.First {
	case Fin | Text, Fin | Binary:
		return true
	case Fin | Close, Fin | Ping, Fin | Pong:
		return h.Length <= MaxControl
	}
	return false
}

// MaxControl is the longest payload of a control frame.
const MaxControl = 125

// Append appends a whole frame: unmasked as servers send it, or with a
// mask as clients must.
func Append(dst []byte, opcode byte, payload []byte, mask *[4]byte) []byte {
	bit := byte(0)
	if mask != nil {
		bit = Masked
	}
	dst = append(dst, Fin|opcode)
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, bit|byte(n))
	case n <= math.MaxUint16:
		dst = append(dst, bit|126, byte(n>>8), byte(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, bit|127), uint64(n))
	}
	if mask == nil {
		return append(dst, payload...)
	}
	dst = append(dst, mask[:]...)
	start := len(dst)
	dst = append(dst, payload...)
	Mask(dst[start:], *mask)
	return dst
}

// ClosePayload is the payload of a close frame; the reason is cut to what a
// control frame can hold.
func ClosePayload(code int, reason string) []byte {
	reason = reason[:min(len(reason), MaxControl-2)]
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
}

// Mask applies the masking of RFC 6455 section 5.3 to p in place: it unmasks,
// too.
func Mask(p []byte, mask [4]byte) {
	key := uint64(binary.LittleEndian.Uint32(mask[:]))
	key |= key << 32
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^key)
		p = p[8:]
	}
	for i := range p {
		p[i] ^= mask[i&3]
	}
}
