package socket

import (
	"encoding/binary"
	"math"
)

// Opcodes and header bits of RFC 6455 section 5.2.
const (
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xa

	finBit  = 0x80
	rsvBits = 0x70
	opBits  = 0x0f
	maskBit = 0x80
	lenBits = 0x7f
)

// maxHeader is the longest header of a frame: 2 bytes, 8 of length, 4 of mask.
const maxHeader = 14

// header is the beginning of a frame.
type header struct {
	first  byte   // fin, rsv and opcode
	masked bool   // by mask
	size   int    // of the header itself
	length uint64 // of the payload
	mask   [4]byte
}

// parseHeader reads the header that p begins with; false when p is too short
// to hold it.
func parseHeader(p []byte) (h header, ok bool) {
	if len(p) < 2 {
		return h, false
	}
	h.first, h.masked, h.size = p[0], p[1]&maskBit != 0, 2
	switch n := p[1] & lenBits; n {
	case 126:
		if len(p) < 4 {
			return h, false
		}
		h.length, h.size = uint64(binary.BigEndian.Uint16(p[2:])), 4
	case 127:
		if len(p) < 10 {
			return h, false
		}
		h.length, h.size = binary.BigEndian.Uint64(p[2:]), 10
	default:
		h.length = uint64(n)
	}
	if h.masked {
		if len(p) < h.size+4 {
			return h, false
		}
		copy(h.mask[:], p[h.size:])
		h.size += 4
	}
	return h, true
}

// total is the length of the whole frame, as far as an int64 reaches: a length
// beyond is malformed, and whoever reads the frame refuses it by its header.
func (h *header) total() int64 {
	if h.length > math.MaxInt64-maxHeader {
		return math.MaxInt64
	}
	return int64(h.length) + int64(h.size)
}

func (h *header) opcode() byte  { return h.first & opBits }
func (h *header) fin() bool     { return h.first&finBit != 0 }
func (h *header) control() bool { return h.first&opClose != 0 }

// simple reports whether the frame is one as peers send it nearly always: a
// whole message in one frame, or a control frame; nothing reserved, nothing
// compressed.
func (h *header) simple() bool {
	switch h.first {
	case finBit | opText, finBit | opBinary:
		return true
	case finBit | opClose, finBit | opPing, finBit | opPong:
		return h.length <= maxControl
	}
	return false
}

// maxControl is the longest payload of a control frame.
const maxControl = 125

// appendFrame appends a whole frame: unmasked as servers send it, or with a
// mask as clients must.
func appendFrame(dst []byte, opcode byte, payload []byte, mask *[4]byte) []byte {
	bit := byte(0)
	if mask != nil {
		bit = maskBit
	}
	dst = append(dst, finBit|opcode)
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
	unmask(dst[start:], *mask)
	return dst
}

// closePayload is the payload of a close frame; the reason is cut to what a
// control frame can hold.
func closePayload(code int, reason string) []byte {
	reason = reason[:min(len(reason), maxControl-2)]
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
}

// unmask applies the masking of RFC 6455 section 5.3 to p in place: it masks,
// too.
func unmask(p []byte, mask [4]byte) {
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
