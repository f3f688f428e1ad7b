package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Opcodes of RFC 6455 section 5.2.
const (
	Continuation = 0x0
	Text         = 0x1
	Binary       = 0x2
	Close        = 0x8
	Ping         = 0x9
	Pong         = 0xa

	finBit  = 0x80
	maskBit = 0x80

	MaxControl = 125 // longest payload of a control frame
)

// Codes of closes that never travel.
const (
	NoCode   = 1005 // the close frame had none
	Abnormal = 1006 // there was no close frame
)

// Header is all of a frame but its payload.
type Header struct {
	Opcode byte
	Fin    bool
	RSV    byte
	Masked bool
	Length uint64 // what the header says
}

// mask is the same for every frame: nothing between us and the other side
// could be fooled by what we send.
var mask = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// AppendFrame appends the frame with the payload, which may be shorter or
// longer than the header says.
func AppendFrame(dst []byte, h Header, payload []byte) []byte {
	first, second := h.Opcode&0xf|h.RSV&7<<4, byte(0)
	if h.Fin {
		first |= finBit
	}
	if h.Masked {
		second = maskBit
	}
	switch {
	case h.Length < 126:
		dst = append(dst, first, second|byte(h.Length))
	case h.Length <= math.MaxUint16:
		dst = binary.BigEndian.AppendUint16(append(dst, first, second|126), uint16(h.Length))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, first, second|127), h.Length)
	}
	if !h.Masked {
		return append(dst, payload...)
	}
	dst = append(dst, mask[:]...)
	for i, b := range payload {
		dst = append(dst, b^mask[i&3])
	}
	return dst
}

// readHeader reads the header of a frame, and its mask, which is zero without.
func readHeader(r io.Reader) (h Header, key [4]byte, err error) {
	var b [8]byte
	if _, err := io.ReadFull(r, b[:2]); err != nil {
		return h, key, err
	}
	h = Header{Opcode: b[0] & 0xf, Fin: b[0]&finBit != 0, RSV: b[0] >> 4 & 7, Masked: b[1]&maskBit != 0, Length: uint64(b[1] &^ maskBit)}
	switch h.Length {
	case 126:
		_, err = io.ReadFull(r, b[:2])
		h.Length = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		_, err = io.ReadFull(r, b[:8])
		h.Length = binary.BigEndian.Uint64(b[:])
	}
	if err == nil && h.Masked {
		_, err = io.ReadFull(r, key[:])
	}
	if errors.Is(err, io.EOF) { // it ended within the frame
		err = io.ErrUnexpectedEOF
	}
	return h, key, err
}

func unmask(p []byte, key [4]byte) {
	for i := range p {
		p[i] ^= key[i&3]
	}
}

// Violation is something that came and cannot be a message, whatever was
// expected.
type Violation struct{ what string }

// Error says what came.
func (v *Violation) Error() string { return v.what }

// breach is a Violation of the protocol.
func breach(format string, args ...any) error {
	return &Violation{"the other side broke the protocol: " + fmt.Sprintf(format, args...)}
}

// check says what is wrong with a frame that came; inside tells that a
// fragmented message is on its way, fromServer who sent it.
func (h *Header) check(inside, fromServer bool) error {
	name := OpcodeName(h.Opcode)
	switch {
	case h.RSV != 0:
		return breach("a %s frame has reserved bits set (%03b), and no extension was agreed on", name, h.RSV)
	case h.Opcode > Binary && h.Opcode < Close || h.Opcode > Pong:
		return breach("a frame has the unknown opcode %#x", h.Opcode)
	case fromServer && h.Masked:
		return breach("a server sent a masked %s frame", name)
	case !fromServer && !h.Masked:
		return breach("a client sent a %s frame without a mask", name)
	case h.Opcode >= Close && !h.Fin:
		return breach("a %s frame is fragmented", name)
	case h.Opcode >= Close && h.Length > MaxControl:
		return breach("a %s frame has %d bytes, more than %d", name, h.Length, MaxControl)
	case h.Opcode == Continuation && !inside:
		return breach("a continuation frame continues nothing")
	case (h.Opcode == Text || h.Opcode == Binary) && inside:
		return breach("a %s frame comes within a fragmented message", name)
	}
	return nil
}

// OpcodeName is what people call the opcode.
func OpcodeName(op byte) string {
	switch op {
	case Continuation:
		return "continuation"
	case Text:
		return "text"
	case Binary:
		return "binary"
	case Close:
		return "close"
	case Ping:
		return "ping"
	case Pong:
		return "pong"
	}
	return fmt.Sprintf("%#x", op)
}

// ClosePayload is the payload of a close frame; there is none with code 0.
func ClosePayload(code int, reason string) []byte {
	if code == 0 {
		return nil
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
}
