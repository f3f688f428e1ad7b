package rfc6455

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Opcodes of RFC 6455 section 5.2. Those from Close on are of control frames.
const (
	Continuation = 0x0
	Text         = 0x1
	Binary       = 0x2
	Close        = 0x8
	Ping         = 0x9
	Pong         = 0xa
)

const (
	finBit  = 0x80
	maskBit = 0x80
)

// The longest payload of a control frame, and the longest header of any.
const (
	MaxControl = 125
	MaxHeader  = 14
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

// Key masks every frame that we send: nothing between us and the other side
// could be fooled by what we say.
const Key = 0x37fa213d

// Mask masks a payload, or unmasks it.
func Mask(payload []byte, key uint32) {
	twice := uint64(key)<<32 | uint64(key)
	for len(payload) >= 8 {
		binary.LittleEndian.PutUint64(payload, binary.LittleEndian.Uint64(payload)^twice)
		payload = payload[8:]
	}
	for i := range payload {
		payload[i] ^= byte(key >> (8 * (i & 3)))
	}
}

// AppendHeader appends a header. The payload follows; when the header says
// that it is masked, [Mask] has to do it, with [Key].
func AppendHeader(dst []byte, h Header) []byte {
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
		dst = append(dst, first, second|126, byte(h.Length>>8), byte(h.Length))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, first, second|127), h.Length)
	}
	if h.Masked {
		dst = binary.LittleEndian.AppendUint32(dst, Key)
	}
	return dst
}

// AppendFrame appends the frame with the payload, which may be shorter or
// longer than the header says.
func AppendFrame(dst []byte, h Header, payload []byte) []byte {
	dst = append(AppendHeader(dst, h), payload...)
	if h.Masked {
		Mask(dst[len(dst)-len(payload):], Key)
	}
	return dst
}

// headerSize is the length of a header, by its second byte.
func headerSize(second byte) int {
	n := 2
	switch second &^ maskBit {
	case 126:
		n = 4
	case 127:
		n = 10
	}
	if second&maskBit != 0 {
		n += 4
	}
	return n
}

// ParseHeader reads the header at the beginning of b: its length is size, which
// is 0 while not all of it is there. key unmasks the payload when it is masked.
func ParseHeader(b []byte) (h Header, key uint32, size int) {
	if len(b) < 2 {
		return h, 0, 0
	}
	size = headerSize(b[1])
	if len(b) < size {
		return h, 0, 0
	}
	h = Header{Opcode: b[0] & 0xf, Fin: b[0]&finBit != 0, RSV: b[0] >> 4 & 7, Masked: b[1]&maskBit != 0, Length: uint64(b[1] &^ maskBit)}
	switch h.Length {
	case 126:
		h.Length = uint64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		h.Length = binary.BigEndian.Uint64(b[2:])
	}
	if h.Masked {
		key = binary.LittleEndian.Uint32(b[size-4:])
	}
	return h, key, size
}

// ReadHeader reads a header from r and nothing beyond it. The error is io.EOF
// only when there is no further frame.
func ReadHeader(r io.Reader) (h Header, key uint32, err error) {
	var b [MaxHeader]byte
	if _, err := io.ReadFull(r, b[:2]); err != nil {
		return h, 0, err
	}
	rest := b[2:headerSize(b[1])]
	if _, err = io.ReadFull(r, rest); errors.Is(err, io.EOF) { // it ended within the frame
		err = io.ErrUnexpectedEOF
	}
	h, key, _ = ParseHeader(b[:2+len(rest)])
	return h, key, err
}

// Check says what is wrong with a frame that came; inside tells that a
// fragmented message is on its way, fromServer who sent it.
func (h Header) Check(inside, fromServer bool) error {
	var what string
	switch {
	case h.RSV != 0:
		what = fmt.Sprintf("a %s frame has reserved bits set (%03b), and no extension was agreed on", OpcodeName(h.Opcode), h.RSV)
	case h.Opcode > Binary && h.Opcode < Close || h.Opcode > Pong:
		what = fmt.Sprintf("a frame has the unknown opcode %#x", h.Opcode)
	case fromServer && h.Masked:
		what = fmt.Sprintf("a server sent a masked %s frame", OpcodeName(h.Opcode))
	case !fromServer && !h.Masked:
		what = fmt.Sprintf("a client sent a %s frame without a mask", OpcodeName(h.Opcode))
	case h.Opcode >= Close && !h.Fin:
		what = fmt.Sprintf("a %s frame is fragmented", OpcodeName(h.Opcode))
	case h.Opcode >= Close && h.Length > MaxControl:
		what = fmt.Sprintf("a %s frame has %d bytes, more than %d", OpcodeName(h.Opcode), h.Length, MaxControl)
	case h.Opcode == Continuation && !inside:
		what = "a continuation frame continues nothing"
	case (h.Opcode == Text || h.Opcode == Binary) && inside:
		what = fmt.Sprintf("a %s frame comes within a fragmented message", OpcodeName(h.Opcode))
	default:
		return nil
	}
	return errors.New(what)
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

// CloseCode is the code in the payload of a close frame, [NoCode] without one.
func CloseCode(payload []byte) int {
	if len(payload) < 2 {
		return NoCode
	}
	return int(binary.BigEndian.Uint16(payload))
}
